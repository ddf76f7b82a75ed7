import SystemPackage

/// Everything the kernel's choice of an interface depends on, read at one time.
struct RoutingTables: Equatable, Sendable {
    var links: [Link]
    /// The node's own addresses.
    var addresses: [IPAddress]
    var rules: [AddressFamily: [RoutingRule]]
    var routes: [AddressFamily: [Route]]

    func link(_ index: UInt32) -> Link? { links.first { $0.index == index } }

    func name(_ index: UInt32) -> String { link(index)?.name ?? "interface \(index)" }
}

/// A packet's properties that routing may depend on, apart from its destination.
struct Flow: Hashable, Sendable {
    var mark: UInt32 = 0
    var uid: UInt32 = 0
    var transport: UInt8?
    var sourcePort: UInt16?
    var destinationPort: UInt16?
    var source: IPAddress?
    /// The interface it came in by, where it is forwarded for a pod.
    var inputInterface: UInt32?
    var serviceType: UInt8 = 0
}

/// What the kernel would do with a packet.
enum RouteDecision: Equatable, Sendable {
    /// It would leave by one of these interfaces; the route that decides, and its table.
    case leaves(interfaces: [UInt32], route: IPPrefix, table: UInt32, attached: Bool)
    /// It would stay on this node.
    case stays
    /// It would be dropped or refused.
    case unreachable
    /// EINVAL: a route or rule of type `blackhole`, or a question the kernel did not understand.
    case refusedAsInvalid
    /// The kernel did not say.
    case unknown(String)
}

/// Asks the kernel of the current network namespace about interfaces and routes.
final class KernelRouting {
    private let socket: NetlinkSocket

    init() throws(NetlinkError) {
        socket = try NetlinkSocket(.route)
    }

    /// The interfaces alone: RTM_GETLINK.
    func links(deadline: ContinuousClock.Instant) throws(NetlinkError) -> [Link] {
        let intent = "list the network interfaces"
        let answer = try socket.request(
            type: 18, flags: NetlinkMessage.Flag.dump, payload: [UInt8](repeating: 0, count: 16), to: intent,
            deadline: deadline)
        return try answer.map { message throws(NetlinkError) in
            guard let link = Link(message) else { throw NetlinkError.malformed(request: intent) }
            return link
        }
    }

    /// All of it: interfaces, addresses, rules and routes of both families and every table.
    func tables(deadline: ContinuousClock.Instant) throws(NetlinkError) -> RoutingTables {
        var tables = RoutingTables(links: try links(deadline: deadline), addresses: [], rules: [:], routes: [:])
        for family in AddressFamily.allCases {
            tables.addresses += try addresses(family, deadline: deadline)
            tables.rules[family] = try rules(family, deadline: deadline)
            tables.routes[family] = try routes(family, deadline: deadline)
        }
        return tables
    }

    /// RTM_GETADDR: struct ifaddrmsg, IFA_LOCAL (2) before IFA_ADDRESS (1), which is the other end of a tunnel.
    private func addresses(
        _ family: AddressFamily, deadline: ContinuousClock.Instant
    ) throws(NetlinkError) -> [IPAddress] {
        let intent = "list the addresses"
        let answer = try dump(22, family, headerLength: 8, intent, deadline)
        return try answer.map { message throws(NetlinkError) in
            guard message.type == 20, let attributes = NetlinkReader(message.payload).after(8)?.attributesByType,
                let address = (attributes[2] ?? attributes[1]).flatMap({ IPAddress(bytes: $0.array) })
            else { throw NetlinkError.malformed(request: intent) }
            return address
        }
    }

    /// RTM_GETRULE.
    private func rules(
        _ family: AddressFamily, deadline: ContinuousClock.Instant
    ) throws(NetlinkError) -> [RoutingRule] {
        let intent = "list the routing rules"
        return try dump(34, family, headerLength: 12, intent, deadline).map { message throws(NetlinkError) in
            guard let rule = RoutingRule(message) else { throw NetlinkError.malformed(request: intent) }
            return rule
        }
    }

    /// RTM_GETROUTE as a dump of every table.
    private func routes(_ family: AddressFamily, deadline: ContinuousClock.Instant) throws(NetlinkError) -> [Route] {
        let intent = "list the routes"
        return try dump(26, family, headerLength: 12, intent, deadline).map { message throws(NetlinkError) in
            guard let route = Route(message) else { throw NetlinkError.malformed(request: intent) }
            return route
        }
    }

    private func dump(
        _ type: UInt16, _ family: AddressFamily, headerLength: Int, _ intent: String,
        _ deadline: ContinuousClock.Instant
    ) throws(NetlinkError) -> [NetlinkMessage] {
        var header = [UInt8](repeating: 0, count: headerLength)
        header[0] = family.number
        do throws(NetlinkError) {
            return try socket.request(
                type: type, flags: NetlinkMessage.Flag.dump, payload: header, to: "\(intent) of \(family.rawValue)",
                deadline: deadline)
        } catch {
            // A kernel started with ipv6.disable=1 has nothing to list.
            if family == .ipv6, case .refused(let errno, _) = error,
                errno == .addressFamilyNotSupported || errno == .notSupportedOnSocket
            {
                return []
            }
            throw error
        }
    }

    /// The kernel's own decision for one packet: RTM_GETROUTE with RTM_F_FIB_MATCH, which names the route that
    /// matched, and all of its ways out.
    func decision(
        _ flow: Flow, to destination: IPAddress, deadline: ContinuousClock.Instant
    ) throws(NetlinkError) -> RouteDecision {
        let family = destination.family
        var request = NetlinkWriter()
        let bits = UInt8(family.bits)
        // RTM_F_FIB_MATCH is 0x2000. RTM_F_LOOKUP_TABLE (0x1000) names the table the route was found in; IPv6 always
        // does, and refuses the flag. The rest is struct rtmsg.
        let flags: UInt32 = family == .ipv4 ? 0x3000 : 0x2000
        request.append([family.number, bits, flow.source == nil ? 0 : bits, flow.serviceType, 0, 0, 0, 0])
        request.append(flags)
        request.attribute(1, destination.bytes)
        if let source = flow.source { request.attribute(2, source.bytes) }
        if let interface = flow.inputInterface { request.attribute(3, interface) }
        if flow.mark != 0 { request.attribute(16, flow.mark) }
        // A forwarded packet belongs to no user.
        if flow.inputInterface == nil { request.attribute(25, flow.uid) }
        // IPv6 reads ports only with a protocol the kernel knows; IPv4 likewise.
        if let transport = flow.transport {
            request.attribute(27, transport)
            if let port = flow.sourcePort { request.attribute(28, network: port) }
            if let port = flow.destinationPort { request.attribute(29, network: port) }
        }
        let intent = "find the route to \(destination)"
        do throws(NetlinkError) {
            let answer = try socket.request(type: 26, payload: request.bytes, to: intent, deadline: deadline)
            guard let route = answer.first.flatMap(Route.init) else { throw NetlinkError.malformed(request: intent) }
            return RouteDecision(route)
        } catch {
            guard case .refused(let errno, let request) = error else { throw error }
            return RouteDecision(refused: errno, request)
        }
    }
}

extension RouteDecision {
    /// The meaning of the route that the kernel answered with.
    init(_ route: Route) {
        switch route.kind {
        case .unicast where !route.interfaces.isEmpty:
            self = .leaves(
                interfaces: route.interfaces, route: route.destination, table: route.table,
                attached: !route.hasGateway && route.protocolNumber == 2)
        case .unicast: self = .unknown("the kernel names no interface for \(route.destination)")
        case .local: self = .stays
        case .unreachable: self = .unreachable
        case .goOn: self = .unreachable
        case .other(let type): self = .unknown("the kernel answered with a route of type \(type)")
        }
    }

    /// The meaning of an error: the kernel answers with one where no route matches, and for routes and rules that
    /// refuse (`unreachable` and `prohibit`) or drop (`blackhole`, EINVAL).
    init(refused errno: Errno, _ request: String) {
        switch errno {
        case .networkUnreachable, .noRouteToHost, .permissionDenied: self = .unreachable
        case .addressFamilyNotSupported: self = .unreachable
        case .invalidArgument: self = .refusedAsInvalid
        default: self = .unknown("the kernel refused to \(request): \(errno)")
        }
    }
}
