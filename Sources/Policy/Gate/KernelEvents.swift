import LinuxSystem
import SystemPackage

/// What the kernel tells by itself.
enum KernelEvent: Equatable {
    /// Interfaces, addresses, routes or rules changed, or there were too many changes to be told of.
    case network
    /// nftables changed, by this process and program, as far as the kernel says.
    case firewall(pid: UInt32?, program: String?)
    /// SELinux was switched to enforcing, or to permissive. Later looks at its files may still be behind.
    case selinux(isEnforcing: Bool)
    /// SELinux loaded a policy, or events about it were lost.
    case selinuxChanged
}

/// The multicast sockets on which the kernel tells of changes. Not to be shared by threads.
final class KernelEvents {
    private let route: NetlinkSocket
    private let firewall: NetlinkSocket?
    private let selinux: NetlinkSocket?

    /// Listens from now on. Only the network's events are indispensable: without the others everything is still seen
    /// at the next full look.
    init() throws(NetlinkError) {
        route = try NetlinkSocket(.route)
        // RTNLGRP_ of <linux/rtnetlink.h>: LINK, IPV4_IFADDR, IPV4_ROUTE, IPV4_RULE, IPV6_IFADDR, IPV6_ROUTE,
        // IPV6_RULE.
        for group: Int32 in [1, 5, 7, 8, 9, 11, 19] { try route.join(group: group) }
        // NFNLGRP_NFTABLES is 7, SELNLGRP_AVC is 1.
        firewall = Self.listening(.netfilter, group: 7)
        selinux = Self.listening(.selinux, group: 1)
    }

    private static func listening(_ family: NetlinkSocket.Family, group: Int32) -> NetlinkSocket? {
        guard let socket = try? NetlinkSocket(family), (try? socket.join(group: group)) != nil else { return nil }
        return socket
    }

    /// The descriptors to wait for.
    var descriptors: [Int32] { [route, firewall, selinux].compactMap { $0?.descriptor } }

    /// Everything that has been told since the last call, without waiting.
    func drain() -> [KernelEvent] {
        var events: [KernelEvent] = []
        drain(route, lost: .network) { _ in
            events.append(.network)
        } onLoss: {
            events.append($0)
        }
        if let firewall {
            drain(firewall, lost: .firewall(pid: nil, program: nil)) { message in
                // Every transaction ends with a new generation, which names its author: NFTA_GEN_PROC_PID (2) and
                // NFTA_GEN_PROC_NAME (3).
                guard message.type == FirewallBatch.Message.newGeneration.type else { return }
                let attributes = NetlinkReader(message.payload).after(4)?.attributesByType
                events.append(
                    .firewall(
                        pid: attributes?[2]?.networkNumber(at: 0, as: UInt32.self), program: attributes?[3]?.string))
            } onLoss: {
                events.append($0)
            }
        }
        if let selinux {
            drain(selinux, lost: .selinuxChanged) { message in
                // SELNL_MSG_SETENFORCE of <linux/selinux_netlink.h>, with the new value as s32.
                if message.type == 0x10, let value = NetlinkReader(message.payload).u32 {
                    events.append(.selinux(isEnforcing: value == 1))
                } else {
                    events.append(.selinuxChanged)
                }
            } onLoss: {
                events.append($0)
            }
        }
        return events
    }

    /// Whatever goes wrong with a socket means that something may have been missed.
    private func drain(
        _ socket: NetlinkSocket, lost: KernelEvent, _ hear: (NetlinkMessage) -> Void, onLoss: (KernelEvent) -> Void
    ) {
        // Bounded, so that a flood of events cannot keep the gate's loop here.
        for _ in 0..<10_000 {
            do throws(NetlinkError) {
                for message in try socket.receive(deadline: .now, request: "hear of changes") { hear(message) }
            } catch {
                if case .timeout = error { return }
                onLoss(lost)
                // ENOBUFS is told once; anything else could be told for ever.
                guard case .system(let failure) = error, failure.errno == Errno(rawValue: 105) else { return }
            }
        }
    }
}
