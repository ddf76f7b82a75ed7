import TestSupport
import Testing

@testable import Policy

private let policy = PosturePolicy(vpnInterfaces: [InterfacePattern("wg0")])
private let second: Int64 = 1_000_000_000
private let now = 1_800_000_000 * second

private func peer(
    age: Int64?, received: UInt64 = 10, sent: UInt64 = 10, keepalive: UInt16 = 0, widest: Int = 0
) -> WireGuardDevice.Peer {
    var peer = WireGuardDevice.Peer()
    peer.lastHandshake = age.map { now - $0 * second }
    peer.receivedBytes = received
    peer.sentBytes = sent
    peer.keepalive = keepalive
    peer.widestPrefix = widest
    return peer
}

private func judge(_ peers: WireGuardDevice.Peer..., stall: Duration? = nil) -> CheckResult {
    let device = WireGuardDevice(interface: "wg0", peers: peers)
    return VPNHandshakeCheck.judge(
        policy, [.device(device)], now: now, stalls: stall.map { ["wg0": $0] } ?? [:])
}

@Suite("vpn.handshake")
struct VPNHandshakeTests {
    @Test func `a recent handshake passes, with its age for the metrics`() {
        let result = judge(peer(age: 60))
        #expect(result.verdict == .pass)
        #expect(result.handshakeAges == ["wg0": 60])
    }

    @Test func `an old one is idle or dead, and dead where the peer must be kept alive`() {
        #expect(judge(peer(age: 180)).verdict == .pass)
        #expect(judge(peer(age: 181)).verdict.kind == .unknown)
        #expect(judge(peer(age: 181, keepalive: 25)).verdict.kind == .fail)
    }

    @Test func `a young handshake does not hide a peer that stopped answering`() {
        #expect(judge(peer(age: 20), stall: .seconds(14)).verdict == .pass)
        #expect(judge(peer(age: 20), stall: .seconds(15)).verdict.kind == .fail)
    }

    @Test func `no handshake, no peer, no tunnel fail`() {
        #expect(judge(peer(age: nil)).verdict.kind == .fail)
        #expect(judge().verdict.kind == .fail)
        #expect(VPNHandshakeCheck.judge(policy, [], now: now).verdict.kind == .fail)
    }

    @Test func `a clock that was set back proves nothing`() {
        #expect(judge(peer(age: -60)).verdict.kind == .unknown)
    }

    @Test func `only the peer that carries the internet counts, and each of two halves`() {
        #expect(judge(peer(age: 10), peer(age: nil, widest: 32)).verdict == .pass)
        #expect(judge(peer(age: 10, widest: 1), peer(age: 900, keepalive: 25, widest: 1)).verdict.kind == .fail)
    }

    @Test func `another kind of tunnel is told apart and not judged by a handshake`() {
        let result = VPNHandshakeCheck.judge(policy, [.other(Link(index: 3, name: "wg0", kind: "tun"))], now: now)
        #expect(result.verdict == .pass)
        #expect(result.evidence.contains("not the kernel's WireGuard"))
    }

    @Test func `a tunnel in a real namespace that is not the kernel's WireGuard says so (needs root)`() throws {
        let namespace = try NetworkNamespace()
        let tunnel = try namespace.openTunnel("wg0")
        try namespace.shell("ip link set wg0 up")
        let result = try namespace.run {
            VPNHandshakeCheck(policy).evaluate(deadline: .now.advanced(by: .seconds(30)))
        }
        #expect(result.evidence.contains("wg0 is a tunnel of kind tun"))
        _ = consume tunnel
    }

    @Test func `silence is counted from the first unanswered packet and ends with an answer`() {
        let history = HandshakeHistory()
        let start = ContinuousClock.now
        func look(_ seconds: Int, received: UInt64, sent: UInt64) -> Duration? {
            let at = start.advanced(by: .seconds(seconds))
            let one = peer(age: 1, received: received, sent: sent)
            history.note(WireGuardDevice(interface: "wg0", peers: [one]), at: at)
            return history.stalls(at: at)["wg0"]
        }
        #expect(look(0, received: 100, sent: 100) == nil)
        #expect(look(5, received: 100, sent: 100) == nil)
        #expect(look(10, received: 100, sent: 101) == .zero)
        #expect(look(17, received: 100, sent: 101) == .seconds(7))
        #expect(look(25, received: 100, sent: 200) == .seconds(15))
        #expect(look(26, received: 101, sent: 201) == nil)
    }
}

@Suite("What a real kernel's WireGuard says")
struct RecordedWireGuardTests {
    private func datagrams(_ name: String) throws -> [[UInt8]] {
        try #require(RecordedWireGuard.all[name]).map(bytes)
    }

    private func device(_ name: String) throws -> WireGuardDevice {
        var payloads: [[UInt8]] = []
        for var datagram in try datagrams(name) {
            WireGuard.redactKeys(&datagram, length: datagram.count)
            let messages = try #require(NetlinkMessage.all(in: datagram[...]))
            payloads += messages.filter { $0.type != NetlinkMessage.Control.done }.map(\.payload)
        }
        return try #require(WireGuardDevice(payloads: payloads))
    }

    @Test func `a device without a peer and one that nobody answered fail`() throws {
        #expect(try device("withoutPeer").peers.isEmpty)
        let silent = try device("silent")
        #expect(silent.interface == "wg0")
        let peer = try #require(silent.peers.first)
        #expect(peer.lastHandshake == nil)
        #expect(peer.endpoint == IPAddress("127.0.0.1"))
        #expect(peer.keepalive == 1)
        #expect(peer.widestPrefix == 0)
        #expect(VPNHandshakeCheck.judge(policy, [.device(silent)], now: now).verdict.kind == .fail)
    }

    @Test func `a connected device passes with its age and counters`() throws {
        let connected = try device("connected")
        let peer = try #require(connected.peers.first)
        #expect(peer.receivedBytes == 92)
        #expect(peer.sentBytes == 404)
        let moment = RecordedWireGuard.recordedAt * second
        let result = VPNHandshakeCheck.judge(policy, [.device(connected)], now: moment)
        #expect(result.verdict == .pass)
        let age = try #require(result.handshakeAges["wg0"])
        #expect((6..<11).contains(age))
        #expect(try device("answering").peers.first?.receivedBytes == 404)
        #expect(try device("answering").peers.first?.widestPrefix == 32)
    }

    @Test func `the keys of a real answer are gone before it is decoded`() throws {
        for name in ["connected", "answering"] {
            for var datagram in try datagrams(name) {
                let before = datagram
                WireGuard.redactKeys(&datagram, length: datagram.count)
                guard NetlinkMessage.all(in: before[...])?.first?.type != NetlinkMessage.Control.done else { continue }
                // Two keys of 32 bytes, and nothing else. A zero byte within a key does not show.
                let changed = zip(before, datagram).count { $0 != $1 }
                #expect((56...64).contains(changed), "\(name)")
                #expect(zip(before, datagram).allSatisfy { $0 == $1 || $1 == 0 })
            }
        }
    }

    @Test func `its interface is told as WireGuard's`() throws {
        let messages = try datagrams("links").flatMap { try #require(NetlinkMessage.all(in: $0[...])) }
        let links = messages.compactMap { Link($0) }
        let selection = TunnelSelection([InterfacePattern("wg*")], among: links)
        #expect(selection.usable.map(\.name).sorted() == ["wg0", "wg1"])
        #expect(selection.usable.allSatisfy { $0.kind == "wireguard" })
    }
}
