internal import Glibc

/// What the owner requires of this node: the `policy:` section without the gate, and the `validators:`.
public struct PosturePolicy: Equatable, Sendable {
    /// `policy.selinux.require`.
    public var selinux: SELinuxRequirement
    /// `policy.vpn.interfaces`: names or globs; any one that carries the route.
    public var vpnInterfaces: [InterfacePattern]
    /// `policy.vpn.ipv4`.
    public var ipv4: RouteRequirement
    /// `policy.vpn.ipv6`.
    public var ipv6: RouteRequirement
    /// `policy.vpn.handshakeMaxAge`.
    public var handshakeMaxAge: Duration
    /// `policy.vpn.local`: destinations that need no tunnel.
    public var local: [IPPrefix]
    /// The validators' traffic, one a validator. Without any, the node's own traffic is judged.
    public var workloads: [Workload]

    /// The packaged configuration, and what differs from it.
    public init(
        selinux: SELinuxRequirement = .enforcing, vpnInterfaces: [InterfacePattern] = [],
        ipv4: RouteRequirement = .required, ipv6: RouteRequirement = .absentOrVPN,
        handshakeMaxAge: Duration = .seconds(180), local: [IPPrefix] = [], workloads: [Workload] = []
    ) {
        self.selinux = selinux
        self.vpnInterfaces = vpnInterfaces
        self.ipv4 = ipv4
        self.ipv6 = ipv6
        self.handshakeMaxAge = handshakeMaxAge
        self.local = local
        self.workloads = workloads
    }
}

/// What is required of SELinux.
public enum SELinuxRequirement: String, CaseIterable, Sendable {
    /// A loaded policy, enforced now and after the next boot.
    case enforcing
    /// A loaded policy, enforced or only logged.
    case permissive
    /// Nothing.
    case ignore
}

/// What is required of one address family's routes.
public enum RouteRequirement: String, CaseIterable, Sendable {
    /// The internet is reached, and only through the tunnel.
    case required
    /// The internet is not reached at all, or only through the tunnel.
    case absentOrVPN = "absent-or-vpn"
    /// Nothing.
    case ignore
}

/// Whose packets are asked about: what the kernel's routing can tell one validator from another by.
public struct Workload: Equatable, Sendable {
    /// The validator's name in the configuration.
    public var name: String
    /// Its ports on this node: the source ports of its answers.
    public var ports: [Port]
    /// The user its packets belong to (host network only); nil where that is not known.
    public var uid: UInt32?
    /// The mark its packets carry (SO_MARK or a firewall's); 0 is no mark.
    public var mark: UInt32
    /// The pod that it runs in; nil: none. What the pod's addresses are is found out anew at each look.
    public var pod: PodSelector?
    /// Its pod's addresses. Empty: it uses the node's own network, unless ``isUnresolved``.
    public var podAddresses: [IPAddress]
    /// It runs in a pod whose addresses are not known: nothing can be said about its packets.
    public var isUnresolved: Bool

    /// A validator's traffic.
    public init(
        name: String, ports: [Port] = [], uid: UInt32? = nil, mark: UInt32 = 0, pod: PodSelector? = nil,
        podAddresses: [IPAddress] = [], isUnresolved: Bool = false
    ) {
        self.name = name
        self.ports = ports
        self.uid = uid
        self.mark = mark
        self.pod = pod
        self.podAddresses = podAddresses
        self.isUnresolved = isUnresolved
    }
}

/// A port with its transport, printed as in the configuration: `tcp/9000`.
public struct Port: Hashable, Sendable, CustomStringConvertible {
    /// TCP or UDP.
    public enum Transport: String, CaseIterable, Sendable {
        case tcp, udp

        /// The number in an IP header (IANA protocol numbers).
        public var number: UInt8 {
            switch self {
            case .tcp: 6
            case .udp: 17
            }
        }
    }

    /// TCP or UDP.
    public let transport: Transport
    /// 1 to 65535; 0 is what no socket can be bound to.
    public let number: UInt16

    /// A port.
    public init(_ transport: Transport, _ number: UInt16) {
        self.transport = transport
        self.number = number
    }

    /// `tcp/9000`.
    public var description: String { "\(transport.rawValue)/\(number)" }
}

/// An interface's name, or a pattern of one as in a shell: `*`, `?` and `[…]` (fnmatch(3)).
public struct InterfacePattern: Equatable, Sendable, CustomStringConvertible {
    private let pattern: String

    /// A name or a pattern.
    public init(_ pattern: String) {
        self.pattern = pattern
    }

    /// The pattern as it was written.
    public var description: String { pattern }

    /// Whether an interface of this name is meant.
    public func matches(_ name: String) -> Bool { unsafe fnmatch(pattern, name, 0) == 0 }
}
