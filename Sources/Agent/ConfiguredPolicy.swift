public import Config
import Journal
public import Policy

extension PosturePolicy {
    /// What a configuration requires of the node. Where the validators' pods are is not known yet: see
    /// ``PosturePolicy/placed(host:)``; ``GateLoop`` finds it out by itself.
    public init(_ loaded: LoadedConfiguration) {
        let settings = loaded.settings
        let vpn = settings.policy.vpn
        self.init(
            selinux: SELinuxRequirement(settings.policy.selinux.require),
            vpnInterfaces: vpn.interfaces.map { Policy.InterfacePattern($0.text) },
            ipv4: RouteRequirement(vpn.ipv4), ipv6: RouteRequirement(vpn.ipv6),
            handshakeMaxAge: vpn.handshakeMaxAge.duration,
            local: vpn.local.compactMap { Policy.IPPrefix($0.text) },
            workloads: settings.validators.map { validator in
                Workload(
                    name: validator.name.text, ports: loaded.ports(of: validator).map(Policy.Port.init),
                    uid: validator.uid?.number,
                    pod: validator.pod.map { PodSelector(namespace: $0.namespace.text, name: $0.name.text) },
                    isUnresolved: validator.pod != nil)
            })
    }
}

extension GatePlan {
    /// The gate that a configuration asks for: the only way to it, for the agent and for the commands. The validators'
    /// pods are filled in by whoever uses it, as they come and go.
    public init(_ loaded: LoadedConfiguration) {
        let settings = loaded.settings
        let gate = settings.policy.gate
        let mode: GateMode =
            switch gate.mode {
            case .observe: .observe
            case .enforce: .enforce
            case .disabled: .disabled
            }
        var rules = GateRules(
            mode: mode, ports: [], local: settings.policy.vpn.local.compactMap { Policy.IPPrefix($0.text) },
            answersByTunnel: gate.answerVia == .vpn, sendsByTunnel: gate.direction == .both)
        for validator in settings.validators {
            rules.ports.formUnion((loaded.ports(of: validator) + validator.externalPorts).map(Policy.Port.init))
            if let uid = validator.uid { rules.uids.insert(uid.number) }
        }
        self.init(
            posture: PosturePolicy(loaded),
            settings: GateSettings(
                mode: mode, settle: gate.settle.duration, required: Set(gate.require.map(CheckName.init))),
            rules: rules,
            lease: gate.lease.duration, handover: gate.handover.duration)
    }
}

extension Policy.Port {
    /// A port of the configuration.
    public init(_ port: Config.Port) {
        self.init(port.transport == .tcp ? .tcp : .udp, port.number)
    }
}

extension CheckName {
    /// A check of the configuration.
    public init(_ check: Configuration.Gate.Check) {
        self =
            switch check {
            case .selinuxEnforcing: .selinuxEnforcing
            case .vpnInterface: .vpnInterface
            case .vpnRouteIPv4: .vpnRouteIPv4
            case .vpnRouteIPv6: .vpnRouteIPv6
            case .vpnHandshake: .vpnHandshake
            case .keysPermissions: .keysPermissions
            case .signaturesAge: .signaturesAge
            case .scanAge: .scanAge
            case .findingsOpen: .findingsOpen
            }
    }
}

extension SELinuxRequirement {
    /// A requirement of the configuration.
    public init(_ requirement: Configuration.SELinuxPolicy.Requirement) {
        self =
            switch requirement {
            case .enforcing: .enforcing
            case .permissive: .permissive
            case .ignore: .ignore
            }
    }
}

extension RouteRequirement {
    /// A requirement of the configuration.
    public init(_ requirement: Configuration.VPNPolicy.Requirement) {
        self =
            switch requirement {
            case .required: .required
            case .absentOrVPN: .absentOrVPN
            case .ignore: .ignore
            }
    }
}
