import Glibc
import LinuxSystem

/// `vpn.handshake`: the tunnel's other end answers.
///
/// Only WireGuard in the kernel says when it last heard from its peer. Age alone does not do: a peer that died keeps
/// a good age for three minutes, and an idle one may exceed it. So the counters count too: packets that go out while
/// none comes in are a dead peer, however young its handshake.
public struct VPNHandshakeCheck: PostureCheck {
    /// What the owner requires.
    public let policy: PosturePolicy
    /// What was seen before, for a check that is asked again and again.
    let history: HandshakeHistory?

    /// A check of the current network namespace.
    ///
    /// - Parameter history: the counters of earlier looks; nil for a single look, which can go by age alone.
    public init(_ policy: PosturePolicy, history: HandshakeHistory? = nil) {
        self.policy = policy
        self.history = history
    }

    /// ``CheckName/vpnHandshake``.
    public var name: CheckName { .vpnHandshake }

    /// Looks now.
    public func evaluate(deadline: ContinuousClock.Instant) -> CheckResult {
        do {
            let links = try KernelRouting().links(deadline: deadline)
            let tunnels = TunnelSelection(policy.vpnInterfaces, among: links).usable
            var readings: [Reading] = []
            for link in tunnels {
                guard link.kind == "wireguard" else {
                    readings.append(.other(link))
                    continue
                }
                do throws(NetlinkError) {
                    let device = try WireGuard.device(link.index, deadline: deadline)
                    readings.append(
                        device.map { .device($0) }
                            ?? .unreadable(link.name, "this kernel says that it has no WireGuard"))
                } catch {
                    readings.append(.unreadable(link.name, "\(error)"))
                }
            }
            return Self.judge(policy, readings, now: realTime(), stalls: stalls(readings))
        } catch {
            return CheckResult(name, .unknown(remedy: remedyForSilentKernel), evidence: "\(error)")
        }
    }

    private func stalls(_ readings: [Reading]) -> [String: Duration] {
        guard let history else { return [:] }
        for case .device(let device) in readings { history.note(device, at: .now) }
        return history.stalls(at: .now)
    }

    /// What could be learnt about one tunnel.
    enum Reading {
        case device(WireGuardDevice)
        /// A tunnel that is not the kernel's WireGuard.
        case other(Link)
        case unreadable(String, String)
    }

    /// A tunnel that sends and hears nothing for this long is dead: WireGuard's own keepalive answers any packet
    /// within 10 s (WireGuard paper, section 6.1, Keepalive-Timeout).
    static let longestSilence = Duration.seconds(15)

    /// - Parameters:
    ///   - now: real time in nanoseconds since 1970.
    ///   - stalls: how long each interface has been sending without receiving.
    static func judge(
        _ policy: PosturePolicy, _ readings: [Reading], now: Int64, stalls: [String: Duration] = [:]
    ) -> CheckResult {
        if policy.ipv4 == .ignore && policy.ipv6 == .ignore {
            return CheckResult(.vpnHandshake, .pass, evidence: "no VPN is asked for")
        }
        guard !readings.isEmpty else {
            return CheckResult(
                .vpnHandshake,
                .fail(remedy: policy.vpnInterfaces.isEmpty ? remedyForNoVPNAgain : "connect the VPN"),
                evidence: "there is no tunnel to judge: none of the configured VPN interfaces is up")
        }
        var ages: [String: Double] = [:]
        var verdicts: [Verdict] = []
        var evidence: [String] = []
        for reading in readings {
            switch reading {
            case .other(let link):
                verdicts.append(.pass)
                evidence.append(
                    "\(printable(link.name.utf8)) is a tunnel of kind \(link.kind), not the kernel's WireGuard: there "
                        + "is no handshake to see, only that a program holds it open")
            case .unreadable(let name, let reason):
                verdicts.append(.unknown(remedy: "run it with CAP_NET_ADMIN in the host's network namespace"))
                evidence.append("\(printable(name.utf8)) could not be read: \(reason)")
            case .device(let device):
                let (verdict, sentence, age) = judge(device, policy.handshakeMaxAge, now, stalls[device.interface])
                verdicts.append(verdict)
                evidence.append(sentence)
                if let age { ages[device.interface] = age }
            }
        }
        // Any one tunnel that is alive carries the traffic; whether it carries the route is another check's matter.
        let best = verdicts.contains(.pass) ? .pass : verdicts.first { $0.kind == .unknown } ?? verdicts[0]
        return CheckResult(.vpnHandshake, best, evidence: listed(evidence), handshakeAges: ages)
    }

    private static func judge(
        _ device: WireGuardDevice, _ maxAge: Duration, _ now: Int64, _ stall: Duration?
    ) -> (Verdict, String, Double?) {
        let name = printable(device.interface.utf8)
        // Peers that carry the internet; a device with none of them is judged by all.
        let wide = device.peers.filter { $0.widestPrefix <= 2 }
        let peers = wide.isEmpty ? device.peers : wide
        guard let oldest = peers.min(by: { ($0.lastHandshake ?? 0) < ($1.lastHandshake ?? 0) }) else {
            return (.fail(remedy: "give \(name) a peer"), "\(name) has no peer", nil)
        }
        guard let handshake = oldest.lastHandshake else {
            return (
                .fail(remedy: "check the VPN's server, keys and that UDP gets out"),
                "\(name) never completed a handshake with its peer", nil
            )
        }
        let nanoseconds = now - handshake
        let age = Double(nanoseconds) / 1e9
        let counters = "received \(oldest.receivedBytes) B, sent \(oldest.sentBytes) B"
        let told = "\(name): last handshake \(Int64(age.rounded())) s ago, \(counters)"
        if nanoseconds < -5_000_000_000 {
            return (
                .unknown(remedy: "check the clock (timedatectl)"),
                "\(name): the last handshake lies \(Int64(-age)) s in the future: the clock was set back", age
            )
        }
        if let stall, stall >= longestSilence {
            return (
                .fail(remedy: "reconnect the VPN: its other end no longer answers"),
                "\(told); it has been sending for \(stall.components.seconds) s without hearing anything", age
            )
        }
        if .nanoseconds(nanoseconds) <= maxAge { return (.pass, told, age) }
        let limit = "older than \(maxAge.components.seconds) s"
        if oldest.keepalive > 0 {
            return (.fail(remedy: "reconnect the VPN: its other end no longer answers"), "\(told), \(limit)", age)
        }
        return (
            .unknown(
                remedy: "set PersistentKeepalive = 25 for the peer, so that an idle tunnel can be told from a dead one"),
            "\(told), \(limit): idle or dead", age
        )
    }

    private func realTime() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// The counters of WireGuard interfaces over time: since when each has been sending without receiving.
///
/// Kept by whoever checks again and again; not to be shared by threads.
public final class HandshakeHistory {
    private struct Seen {
        var received: UInt64
        var sent: UInt64
        /// When it was first seen to send more than was received before.
        var silentSince: ContinuousClock.Instant?
    }

    private var seen: [String: Seen] = [:]

    /// Nothing seen yet.
    public init() {}

    func note(_ device: WireGuardDevice, at now: ContinuousClock.Instant) {
        let received = device.peers.reduce(UInt64(0)) { $0 &+ $1.receivedBytes }
        let sent = device.peers.reduce(UInt64(0)) { $0 &+ $1.sentBytes }
        var silentSince = seen[device.interface]?.silentSince
        if let before = seen[device.interface], before.received == received {
            if sent != before.sent && silentSince == nil { silentSince = now }
        } else {
            silentSince = nil
        }
        seen[device.interface] = Seen(received: received, sent: sent, silentSince: silentSince)
    }

    func stalls(at now: ContinuousClock.Instant) -> [String: Duration] {
        seen.compactMapValues { $0.silentSince?.duration(to: now) }
    }
}
