internal import LinuxSystem

/// The interfaces of a network namespace and where the kernel would send packets, for whoever explains a host to a
/// person. The gate does not decide by it.
public struct HostNetwork: Sendable {
    /// An interface.
    public struct Interface: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// Its number, which no other interface gets.
        public var index: UInt32
        /// The driver's kind, `wireguard` or `tun`; empty for a network card.
        public var kind: String
        /// Whether it is switched on, and whether its driver can pass packets.
        public var isUp: Bool
        /// Whether it is a VPN's kind of interface.
        public var isTunnel: Bool
        /// Whether it is the loopback interface.
        public var isLoopback: Bool
        /// Its addresses.
        public var addresses: [IPAddress]
        /// Ranges that are reached by it, without the default routes.
        public var ranges: [IPPrefix]

        /// An interface.
        public init(
            name: String, index: UInt32, kind: String = "", isUp: Bool = true, isTunnel: Bool = false,
            isLoopback: Bool = false, addresses: [IPAddress] = [], ranges: [IPPrefix] = []
        ) {
            self.name = name
            self.index = index
            self.kind = kind
            self.isUp = isUp
            self.isTunnel = isTunnel
            self.isLoopback = isLoopback
            self.addresses = addresses
            self.ranges = ranges
        }
    }

    /// A packet, as far as routing may depend on it.
    public struct Packet: Equatable, Sendable {
        /// Where it goes.
        public var destination: IPAddress
        /// The sender's address; nil: the kernel's choice.
        public var source: IPAddress?
        /// The user that sends it.
        public var uid: UInt32
        /// The transport and both ports; nil where they do not matter.
        public var ports: (transport: Port.Transport, source: UInt16, destination: UInt16)?
        /// For a pod's packet, which this node forwards: the pod's address is ``source``.
        public var isForwarded: Bool

        /// A packet of this node's, or of a pod's.
        public init(
            to destination: IPAddress, from source: IPAddress? = nil, uid: UInt32 = 0,
            ports: (transport: Port.Transport, source: UInt16, destination: UInt16)? = nil, isForwarded: Bool = false
        ) {
            self.destination = destination
            self.source = source
            self.uid = uid
            self.ports = ports
            self.isForwarded = isForwarded
        }

        /// Equal in everything.
        public static func == (one: Self, other: Self) -> Bool {
            one.destination == other.destination && one.source == other.source && one.uid == other.uid
                && one.isForwarded == other.isForwarded && one.ports?.transport == other.ports?.transport
                && one.ports?.source == other.ports?.source && one.ports?.destination == other.ports?.destination
        }
    }

    /// What becomes of a packet.
    public enum Way: Equatable, Sendable {
        /// It leaves by one of these interfaces.
        case leaves([String])
        /// It stays on this node.
        case stays
        /// There is no route.
        case unreachable
        /// The kernel did not say; a sentence.
        case unknown(String)
    }

    /// The interfaces, in the order of their numbers.
    public var interfaces: [Interface]
    private let ask: @Sendable (Packet) -> Way

    /// A network of these interfaces, where `way` decides.
    public init(interfaces: [Interface], way: @escaping @Sendable (Packet) -> Way) {
        self.interfaces = interfaces
        ask = way
    }

    /// What the kernel would do with a packet.
    public func way(of packet: Packet) -> Way { ask(packet) }

    /// The interface that has an address.
    public func interface(of address: IPAddress) -> Interface? {
        interfaces.first { $0.addresses.contains(address) }
    }

    /// How the internet is reached: one answer for each of the addresses that stand for it (both halves of each space).
    public func internet(_ family: AddressFamily) -> [Way] {
        RouteProbes.internet(family).map { ask(Packet(to: $0)) }
    }
}

extension HostNetwork {
    /// The network of the calling thread's namespace.
    ///
    /// - Throws: a sentence for a person, where the kernel does not answer.
    public static func current() throws(HostNetworkError) -> HostNetwork {
        do throws(NetlinkError) {
            let tables = try KernelRouting().tables(deadline: .now.advanced(by: Posture.checkTime))
            return HostNetwork(interfaces: tables.links.map { interface($0, tables) }) { packet in
                way(of: packet, tables)
            }
        } catch {
            throw HostNetworkError(description: "\(error)")
        }
    }

    private static func interface(_ link: Link, _ tables: RoutingTables) -> Interface {
        let routes = AddressFamily.allCases.flatMap { tables.routes[$0] ?? [] }.filter {
            $0.interfaces.contains(link.index)
        }
        return Interface(
            name: link.name, index: link.index, kind: link.kind, isUp: link.isUp && link.hasCarrier,
            isTunnel: link.tunnel == .encrypting, isLoopback: link.hardwareType == 772,
            addresses: routes.filter { $0.kind == .local && $0.destination.length == $0.destination.family.bits }
                .map(\.destination.address).filter(tables.addresses.contains),
            ranges: routes.filter { $0.kind == .unicast && $0.destination.length > 1 }.map(\.destination))
    }

    private static func way(of packet: Packet, _ tables: RoutingTables) -> Way {
        var flow = Flow(uid: packet.uid)
        flow.source = packet.source
        if let ports = packet.ports {
            flow.transport = ports.transport.number
            flow.sourcePort = ports.source
            flow.destinationPort = ports.destination
        }
        if packet.isForwarded, let source = packet.source {
            flow.inputInterface =
                (tables.routes[source.family] ?? [])
                .filter { $0.kind == .unicast && $0.destination.contains(source) }
                .max { $0.destination.length < $1.destination.length }?.interfaces.first
        }
        do throws(NetlinkError) {
            let kernel = try KernelRouting()
            let decision = try kernel.decision(
                flow, to: packet.destination, deadline: .now.advanced(by: Posture.checkTime))
            switch decision {
            case .leaves(let interfaces, _, _, _): return .leaves(interfaces.map(tables.name))
            case .stays: return .stays
            case .unreachable, .refusedAsInvalid: return .unreachable
            case .unknown(let reason): return .unknown(reason)
            }
        } catch {
            return .unknown("\(error)")
        }
    }
}

/// Why the network could not be read.
public struct HostNetworkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A sentence for a person.
    public let description: String
}
