public import Config
import Journal
public import Policy

extension PosturePolicy {
    /// What a configuration requires of the node.
    ///
    /// - Parameter podAddresses: the addresses of a validator's pod as far as they are known; a validator whose pod has
    ///   none is judged as unknown.
    public init(_ settings: Configuration, podAddresses: (Configuration.Validator) -> [Policy.IPAddress] = { _ in [] })
    {
        let vpn = settings.policy.vpn
        self.init(
            selinux: SELinuxRequirement(settings.policy.selinux.require),
            vpnInterfaces: vpn.interfaces.map { Policy.InterfacePattern($0.text) },
            ipv4: RouteRequirement(vpn.ipv4), ipv6: RouteRequirement(vpn.ipv6),
            handshakeMaxAge: vpn.handshakeMaxAge.duration,
            local: vpn.local.compactMap { Policy.IPPrefix($0.text) },
            workloads: settings.validators.map { validator in
                let addresses = validator.pod == nil ? [] : podAddresses(validator)
                return Workload(
                    name: validator.name.text, ports: (validator.ports ?? []).map(Policy.Port.init),
                    uid: validator.uid?.number, podAddresses: addresses,
                    isUnresolved: validator.pod != nil && addresses.isEmpty)
            })
    }
}

extension GatePlan {
    /// The gate that a configuration asks for.
    ///
    /// - Parameters:
    ///   - profilePorts: the ports that a validator's profile brings where it names none itself.
    ///   - podAddresses: the addresses of a validator's pod as far as they are known.
    public init(
        _ settings: Configuration, profilePorts: (Configuration.Validator) -> [Policy.Port] = { _ in [] },
        podAddresses: (Configuration.Validator) -> [Policy.IPAddress] = { _ in [] }
    ) {
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
            let own = validator.ports.map { $0.map(Policy.Port.init) } ?? profilePorts(validator)
            rules.ports.formUnion(own + validator.externalPorts.map(Policy.Port.init))
            if validator.pod != nil { rules.pods.formUnion(podAddresses(validator)) }
            if let uid = validator.uid { rules.uids.insert(uid.number) }
        }
        self.init(
            posture: PosturePolicy(settings, podAddresses: podAddresses),
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
