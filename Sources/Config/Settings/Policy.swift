extension Configuration {
    /// What the machine must be like for the gate to be open: the mapping `policy`.
    public struct Policy: Section {
        /// What is expected of SELinux.
        public var selinux = SELinuxPolicy()
        /// What is expected of the VPN.
        public var vpn = VPNPolicy()
        /// The gate itself.
        public var gate = Gate()
        /// Where the gate's state can be asked for over HTTP; nil: nowhere.
        public var statusListen: ListenAddress?

        /// The defaults.
        public init() {}

        static let keys: [Key<Self>] = [
            Key("selinux", \.selinux, "What is expected of SELinux."),
            Key("vpn", \.vpn, "What is expected of the VPN."),
            Key("gate", \.gate, "The gate: the kernel's rules in front of the validators' ports."),
            Key(
                "statusListen", \.statusListen,
                """
                Where to answer `GET /gate` over HTTP: 200 while the gate is open, 503 while it is shut. It is \
                read-only, and an unprivileged process of its own. For `nodeguard wait-open --url` in init containers \
                that are neither root nor allowed a hostPath. `null`: nowhere.
                """),
        ]

        static func check(_ policy: Self, _ checks: inout Checks) {
            guard policy.vpn.interfaces.isEmpty else { return }
            let wanting = [
                policy.vpn.ipv4 == .ignore ? nil : "vpn.ipv4 (\(policy.vpn.ipv4.rawValue))",
                policy.vpn.ipv6 == .ignore ? nil : "vpn.ipv6 (\(policy.vpn.ipv6.rawValue))",
                policy.gate.answerVia == .any ? nil : "gate.answerVia (vpn)",
                policy.gate.direction == .inbound ? nil : "gate.direction (both)",
            ].compactMap(\.self)
            if let first = wanting.first {
                checks.fail(
                    "vpn.interfaces",
                    "it is empty, but policy.\(first) needs a VPN, so the gate could never open; name an interface")
            }
        }
    }

    /// What is expected of SELinux: the mapping `policy.selinux`.
    public struct SELinuxPolicy: Section {
        /// The mode it must at least be in.
        public var require: Requirement = .enforcing

        /// The defaults.
        public init() {}

        /// A mode of SELinux.
        public enum Requirement: String, Choice {
            /// It must be enforcing, with a policy loaded.
            case enforcing
            /// It must be on: permissive or enforcing.
            case permissive
            /// It does not matter.
            case ignore

            static let kindName = "requirement"
        }

        static let keys: [Key<Self>] = [
            Key(
                "require", \.require,
                """
                `enforcing`: the gate is only open while SELinux enforces a policy. `permissive`: SELinux must be on, \
                but need not enforce. `ignore`: SELinux does not matter.
                """)
        ]
    }

    /// What is expected of the VPN: the mapping `policy.vpn`.
    public struct VPNPolicy: Section {
        /// The interfaces that are the VPN.
        public var interfaces: [InterfacePattern] = ["wg0", "nordlynx"]
        /// How IPv4 must leave the machine.
        public var ipv4: Requirement = .required
        /// How IPv6 must leave the machine.
        public var ipv6: Requirement = .absentOrVPN
        /// How old a handshake of WireGuard may be.
        public var handshakeMaxAge: TimeSpan = "180s"
        /// The addresses that need no tunnel.
        public var local: [IPPrefix] = ["10.42.0.0/16", "10.43.0.0/16"]

        /// The defaults.
        public init() {}

        /// How traffic of one family must leave the machine.
        public enum Requirement: String, Choice {
            /// By the VPN, and there must be such a route.
            case required
            /// By the VPN, or not at all.
            case absentOrVPN = "absent-or-vpn"
            /// It does not matter.
            case ignore

            static let kindName = "requirement"
        }

        static let keys: [Key<Self>] = [
            Key(
                "interfaces", \.interfaces,
                """
                The interfaces that are the VPN: names, or patterns with `*`, `?` and `[…]`. Any one that carries the \
                route will do. A pattern that takes in the machine's ordinary interfaces is refused.
                """),
            Key(
                "ipv4", \.ipv4,
                """
                `required`: traffic to the internet must leave by the VPN. `absent-or-vpn`: it may also have no route \
                at all. `ignore`: it does not matter.
                """),
            Key("ipv6", \.ipv6, "The same for IPv6."),
            Key(
                "handshakeMaxAge", \.handshakeMaxAge, limits: .between("1s", "24h"),
                """
                How old the last handshake of a WireGuard tunnel may be. WireGuard makes a new one after 120 s and \
                stops using the old one after 180 s, where there is traffic. It says nothing about other kinds of \
                VPN.
                """),
            Key(
                "local", \.local,
                """
                Address ranges that need no tunnel: those of pods and services, and of your own network. Everything \
                else counts as the internet.
                """),
        ]

        static func check(_ vpn: Self, _ checks: inout Checks) {
            // Names that kernels, systemd, container networks and virtual machines give to what is no VPN.
            let ordinary = [
                "lo", "eth0", "eth1", "eno1", "ens3", "ens18", "enp1s0", "enp0s31f6", "wlan0", "wlp2s0", "bond0", "br0",
                "docker0", "cni0", "flannel.1", "cali0123456789a", "veth0a1b2c3d",
            ]
            for (index, interface) in vpn.interfaces.enumerated() {
                guard let taken = ordinary.first(where: interface.matches) else { continue }
                if interface.isPattern || taken == "lo" {
                    checks.fail(
                        "interfaces[\(index)]",
                        "\(quoted(interface.text)) takes in \(taken), which is no VPN: the check would pass "
                            + "without one; name the VPN's interface")
                } else {
                    checks.warn(
                        "interfaces[\(index)]", "\(taken) is a name for an ordinary interface; is it really the VPN?")
                }
            }
            for (index, range) in vpn.local.enumerated() {
                if range.length == 0 {
                    checks.fail(
                        "local[\(index)]",
                        "\(range) is every address: nothing would need the tunnel; write smaller ranges")
                } else if !range.isNeverPublic {
                    checks.warn(
                        "local[\(index)]",
                        "\(range) has addresses of the public internet: traffic to them would not need the tunnel")
                }
            }
            if vpn.handshakeMaxAge < "120s" {
                checks.warn(
                    "handshakeMaxAge",
                    "WireGuard makes a new handshake only after 120 s, so a working tunnel would be taken for a "
                        + "dead one"
                )
            }
        }
    }

    /// The gate: the mapping `policy.gate`.
    public struct Gate: Section {
        /// Whether it acts.
        public var mode: Mode = .observe
        /// How long the kernel waits for the agent's next sign of life before it shuts the ports.
        public var lease: TimeSpan = "5s"
        /// The same after an orderly stop.
        public var handover: TimeSpan = "30s"
        /// How long the posture must hold before the gate opens.
        public var settle: TimeSpan = "3s"
        /// Which traffic it stops.
        public var direction: Direction = .inbound
        /// By which way the answer to a peer must leave.
        public var answerVia: AnswerVia = .any
        /// The checks without which it does not open.
        public var require: [Check] = [.selinuxEnforcing, .vpnInterface, .vpnRouteIPv4, .vpnRouteIPv6]

        /// The defaults.
        public init() {}

        /// A check of the posture, by the name that `nodeguard check` shows.
        public enum Check: String, Choice {
            /// SELinux is as `policy.selinux` wants it.
            case selinuxEnforcing = "selinux.enforcing"
            /// A VPN's interface is there and up.
            case vpnInterface = "vpn.interface"
            /// IPv4 leaves as `policy.vpn` wants it.
            case vpnRouteIPv4 = "vpn.route.ipv4"
            /// IPv6 does.
            case vpnRouteIPv6 = "vpn.route.ipv6"
            /// The VPN's other end answers.
            case vpnHandshake = "vpn.handshake"
            /// No key file is open to others.
            case keysPermissions = "keys.permissions"
            /// The signatures are recent.
            case signaturesAge = "signatures.age"
            /// The targets are scanned in time.
            case scanAge = "scan.age"
            /// No finding is open.
            case findingsOpen = "findings.open"

            static let kindName = "check"
        }

        /// Whether the gate acts.
        public enum Mode: String, Choice {
            /// It decides and tells, and leaves the ports as they are.
            case observe
            /// It shuts and opens the ports.
            case enforce
            /// It does not even decide.
            case disabled

            static let kindName = "mode"
        }

        /// Which traffic the gate stops.
        public enum Direction: String, Choice {
            /// What arrives at the validators' ports.
            case inbound
            /// That, and what the validators send other than by the VPN.
            case both

            static let kindName = "direction"
        }

        /// By which way the answer to a peer must leave.
        public enum AnswerVia: String, Choice {
            /// By any.
            case any
            /// By the VPN, or the peer's packet is dropped.
            case vpn

            static let kindName = "way"
        }

        static let keys: [Key<Self>] = [
            Key(
                "mode", \.mode,
                """
                `observe`: nodeguard decides and tells, and leaves the ports as they are. `enforce`: it shuts them \
                and opens them. `disabled`: it does neither, and the gate's rules are removed.
                """),
            Key(
                "lease", \.lease, limits: .between("1s", "1m"),
                "How long after the agent's last sign of life the kernel shuts the ports by itself."),
            Key(
                "handover", \.handover, limits: .between("0s", "10m"),
                """
                The same after an orderly stop of the agent, such as an upgrade: long enough for the next one to \
                start. The rules that judge each packet stay.
                """),
            Key(
                "settle", \.settle, limits: .between("0s", "10m"),
                "How long the posture must hold before the gate opens. It shuts at once."),
            Key(
                "direction", \.direction,
                """
                `inbound`: the gate stops what arrives at the validators' ports. `both`: also, the validators' own \
                traffic leaves only by the VPN.
                """),
            Key(
                "answerVia", \.answerVia,
                """
                `vpn`: the answer to a peer must leave by the VPN, or the kernel drops the peer's packet. This shuts \
                within the packet, before any agent can; but it also drops peers of your own network that are not in \
                `policy.vpn.local`, and routers that put their own address on forwarded packets. `any`: the answer \
                may leave by any way.
                """),
            Key(
                "require", \.require, limits: .notEmpty(),
                """
                The checks that must pass for the gate to be open; unknown is not a pass. The others are told by \
                `nodeguard check`, in the journal and in the metrics, and leave the gate alone. Think twice before \
                `signatures.age`, `scan.age` or `findings.open` is added: a mirror that is down for three days, a late \
                scan or one false alarm would then cut the validators off.
                """),
        ]
    }
}
