import TestSupport
import Testing

@testable import Policy

func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.utf8).map { $0 < 0x3a ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

private func messages(_ name: String) throws -> [NetlinkMessage] {
    let datagrams = try #require(RecordedReplies.all[name])
    return try datagrams.flatMap { try #require(NetlinkMessage.all(in: bytes($0)[...])) }
        .filter { $0.type != NetlinkMessage.Control.done }
}

@Suite("What the kernel says over netlink")
struct NetlinkTests {
    @Test func `recorded interfaces are understood`() throws {
        let links = try messages("links").map { try #require(Link($0)) }
        #expect(Set(links.map(\.name)) == ["lo", "isp0", "home0", "tun0"])
        let tunnel = try #require(links.first { $0.name == "tun0" })
        #expect(tunnel.kind == "tun")
        #expect(tunnel.isUp)
        #expect(!tunnel.hasCarrier)
        #expect(links.first { $0.name == "home0" }?.tunnel == Link.Tunnel.none)
    }

    @Test func `recorded rules are understood`() throws {
        let rules = try messages("rules4").map { try #require(RoutingRule($0)) }
        #expect(rules.map(\.priority) == [0, 10, 32764, 32765, 32766, 32767])
        let special = rules[1]
        #expect(special.destination == IPPrefix("203.0.113.0/24"))
        #expect(special.uids == 1000...1001)
        #expect(special.transport == 6)
        #expect(special.sourcePorts == 9000...9001)
        #expect(special.destinationPorts == 30303...30303)
        #expect(!special.hasUnknownSelector)
        #expect(rules[3].isInverted)
        #expect(rules[3].selects(mark: 0xe1f1))
        #expect(!rules[3].selects(mark: 0))
    }

    @Test func `recorded routes are understood`() throws {
        let links = try messages("links").map { try #require(Link($0)) }
        let index = { (name: String) in links.first { $0.name == name }!.index }
        let routes = try messages("routes4").map { try #require(Route($0)) }
        let several = try #require(routes.first { $0.destination == IPPrefix("203.0.113.0/24") })
        #expect(several.interfaces == [index("tun0"), index("home0")])
        #expect(several.hasGateway)
        #expect(routes.contains { $0.table == 205 && $0.destination.length == 0 && $0.interfaces == [index("tun0")] })
        #expect(routes.first { $0.destination == IPPrefix("198.51.100.0/24") }?.kind == .unreachable)
        let six = try messages("routes6").map { try #require(Route($0)) }
        #expect(six.contains { $0.table == 254 && $0.destination == IPPrefix("::/0")! && $0.hasGateway })
    }

    @Test func `recorded decisions are understood`() throws {
        let via = RouteDecision(try #require(Route(try messages("decision4")[0])))
        guard case .leaves(_, let route, let table, let attached) = via else {
            Issue.record("\(via)")
            return
        }
        #expect(route == IPPrefix("0.0.0.0/0"))
        #expect(table == 205)
        #expect(!attached)
        let refusal = try messages("decision4refused")[0]
        #expect(refusal.type == NetlinkMessage.Control.error)
        #expect(refusal.errorNumber == 113)
    }

    /// 40,000 damaged datagrams: cut short, with changed bytes, with lengths that lie.
    @Test func `damaged replies are refused or misread, and never crash`() throws {
        var random = Seeded(state: 20_231_123)
        let recorded = RecordedReplies.all.merging(RecordedWireGuard.all) { $0 + $1 }
        let datagrams = recorded.sorted { $0.key < $1.key }.flatMap { $0.value }.map(bytes)
        for round in 0..<40_000 {
            var damaged = datagrams[round % datagrams.count]
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = Int.random(in: 0..<min(damaged.count, 400), using: &random)
                damaged[place] = UInt8.random(in: 0 ... .max, using: &random)
            }
            if round % 3 == 0 { damaged.removeLast(Int.random(in: 0..<damaged.count, using: &random)) }
            for message in NetlinkMessage.all(in: damaged[...]) ?? [] {
                _ = Link(message)
                _ = RoutingRule(message)
                _ = Route(message).map { RouteDecision($0) }
                _ = message.errorNumber
                _ = WireGuardDevice(payloads: [message.payload])
            }
            _ = WireGuardDevice(payloads: [damaged])
            WireGuard.redactKeys(&damaged, length: damaged.count)
        }
    }

    @Test func `a number at the edge is read and beyond it is not`() {
        let reader = NetlinkReader([1, 2, 3, 4])
        #expect(reader.number(at: 0, as: UInt32.self) == UInt32(littleEndian: 0x0403_0201))
        #expect(reader.number(at: 1, as: UInt32.self) == nil)
        #expect(reader.number(at: -1, as: UInt8.self) == nil)
        #expect(reader.number(at: .max, as: UInt8.self) == nil)
        #expect(reader.slice(4, 0) != nil)
        #expect(reader.slice(4, 1) == nil)
        #expect(reader.slice(1, .max) == nil)
    }

    @Test func `a socket to which nothing is said ends its wait at the deadline`() throws {
        let socket = try NetlinkSocket(.route)
        #expect(throws: NetlinkError.timeout(request: "listen")) {
            try socket.receive(deadline: .now.advanced(by: .milliseconds(1)), request: "listen")
        }
    }

    @Test func `what another process sends is not taken for the kernel's word`() throws {
        let socket = try NetlinkSocket(.route)
        let forger = try NetlinkSocket(.route)
        let forged = NetlinkMessage(type: NetlinkMessage.Control.done, flags: 0, payload: [0, 0, 0, 0])
        try forger.send(forged.bytes, to: socket.port)
        #expect(throws: NetlinkError.timeout(request: "listen")) {
            try socket.receive(deadline: .now.advanced(by: .milliseconds(1)), request: "listen")
        }
    }

    @Test func `keys are gone from an answer before it is decoded`() throws {
        var peer = NetlinkWriter()
        peer.attribute(1, [UInt8](repeating: 0x11, count: 32))
        peer.attribute(2, [UInt8](repeating: 0xee, count: 32))
        var payload = NetlinkWriter()
        payload.append([0, 1, 0, 0])
        payload.attribute(2, string: "wg0")
        payload.attribute(3, [UInt8](repeating: 0xdd, count: 32))
        let inner = peer.bytes
        payload.nested(8) { list in list.nested(0) { $0.append(inner) } }
        var datagram = NetlinkMessage(type: 30, flags: 2, payload: payload.bytes).bytes
        WireGuard.redactKeys(&datagram, length: datagram.count)
        #expect(!datagram.contains(0xdd))
        #expect(!datagram.contains(0xee))
        let message = try #require(NetlinkMessage.all(in: datagram[...])?.first)
        #expect(WireGuardDevice(payloads: [message.payload])?.interface == "wg0")
        #expect(datagram.filter { $0 == 0x11 }.count == 32)
    }
}

@Suite("Addresses and prefixes")
struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::", "::"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::", "2001:db8::"), ("::ffff:192.0.2.1", "::ffff:c000:201"), ("1:0:0:2::3", "1:0:0:2::3"),
        ("1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"),
    ])
    func `addresses are read and printed in the usual spelling`(text: String, printed: String) {
        #expect(IPAddress(text)?.description == printed)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.+4", ":", ":::", "1::2::3", "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9", "12345::", "fe80::1%eth0", "1:2:3:4:5:6:7::8", "::g",
    ])
    func `anything else is refused`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `prefixes hold their addresses and no others`() throws {
        let range = try #require(IPPrefix("10.42.0.0/15"))
        #expect(range.contains(try #require(IPAddress("10.43.255.255"))))
        #expect(!range.contains(try #require(IPAddress("10.44.0.0"))))
        #expect(!range.contains(try #require(IPAddress("::10.42.0.1"))))
        #expect(IPPrefix("::/0")?.contains(try #require(IPAddress("ffff::"))) == true)
        for text in ["10.42.0.1/16", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "10.0.0.0/-1"] {
            #expect(IPPrefix(text) == nil, "\(text)")
        }
    }

    @Test func `the ranges that are asked about leave out exactly what is exempt`() throws {
        let tables = RoutingTables(
            links: [], addresses: [], rules: [:],
            routes: [.ipv4: [Route(try #require(IPPrefix("0.0.0.0/1")), interfaces: [1])]])
        let local = ["10.0.0.0/8", "10.42.0.0/16", "255.255.255.255"].compactMap { IPPrefix($0) }
        let ranges = RouteProbes.ranges(.ipv4, tables: tables, exempt: local)
        func asked(_ text: String) -> Bool {
            let value = IPAddress(text)!.value
            return ranges.contains { $0.first <= value && value <= $0.last }
        }
        for text in ["1.0.0.0", "9.255.255.255", "11.0.0.0", "127.255.255.255", "10.42.0.1", "224.0.0.1"] {
            #expect(asked(text) == ["1.0.0.0", "9.255.255.255", "11.0.0.0"].contains(text), "\(text)")
        }
        #expect(asked("128.0.0.0"))
        #expect(asked("223.255.255.255"))
    }
}
