internal import LinuxSystem
public import Policy

/// What the validators' own connections say about the gate's stricter rules: would they have been dropped?
public struct WorkingTraffic: Equatable, Sendable {
    /// Connections with the internet that go by the tunnel, both ways.
    public var byTunnel = 0
    /// Connections that stay on this host or in the ranges that need no tunnel.
    public var local = 0
    /// Connections that would be dropped: a sentence each.
    public var against: [String] = []
    /// What keeps it from being known: a sentence each.
    public var doubts: [String] = []

    /// Whether there is proof enough to enforce: something was seen, and nothing speaks against it.
    public var isProof: Bool { byTunnel > 0 && against.isEmpty && doubts.isEmpty }

    /// Judges the connections of these clients.
    ///
    /// UDP peers leave no trace in the kernel's list of sockets, since a client has one socket for all of them. What is
    /// seen of TCP stands for both.
    ///
    /// - Parameters:
    ///   - files: where the resolvers stand that they ask for names.
    ///   - tunnels: the names of the VPN's interfaces.
    ///   - local: the ranges that need no tunnel.
    public init(
        _ clients: [FoundClient], _ files: HostFiles, _ network: HostNetwork, tunnels: [String],
        local ranges: [Policy.IPPrefix]
    ) {
        for client in clients {
            if client.listening == nil {
                doubts.append("the sockets of \(client.name) may not be looked at; run it as root")
            }
            for resolver in files.resolvers(of: client)
            where !ranges.contains(where: { $0.contains(resolver) }) && network.interface(of: resolver) == nil {
                ask(resolver, client, files, network, tunnels)
            }
            for socket in client.connections {
                guard let peer = socket.peer else { continue }
                if socket.isLoopback || socket.address == peer.address || network.interface(of: peer.address) != nil
                    || ranges.contains(where: { $0.contains(peer.address) })
                {
                    local += 1
                    continue
                }
                judge(socket, peer, client, network, tunnels)
            }
        }
        if byTunnel == 0 && against.isEmpty {
            doubts.append("no connection of a validator with a peer was seen, so nothing is known of its way")
        }
    }

    /// Questions for names are UDP and too short to be met: what is seen is whom they go to.
    private mutating func ask(
        _ resolver: Policy.IPAddress, _ client: FoundClient, _ files: HostFiles, _ network: HostNetwork,
        _ tunnels: [String]
    ) {
        let isForwarded = client.hasOwnNetwork == true
        let packet = HostNetwork.Packet(
            to: resolver, from: isForwarded ? files.addresses(inNetworkOf: client.processes[0].id).first : nil,
            uid: client.processes.first?.uid ?? 0, isForwarded: isForwarded)
        guard case .leaves(let interfaces) = network.way(of: packet),
            let out = interfaces.first(where: { !tunnels.contains($0) })
        else { return }
        let sentence = "\(client.name) asks \(resolver) for names, by \(printable(out.utf8)) and not by the VPN"
        if !against.contains(sentence) { against.append(sentence) }
    }

    private mutating func judge(
        _ socket: HostSocket, _ peer: (address: Policy.IPAddress, port: UInt16), _ client: FoundClient,
        _ network: HostNetwork, _ tunnels: [String]
    ) {
        let isForwarded = client.hasOwnNetwork == true
        let packet = HostNetwork.Packet(
            to: peer.address, from: socket.address, uid: client.processes.first?.uid ?? 0,
            ports: (socket.transport, socket.port, peer.port), isForwarded: isForwarded)
        let isIncoming = client.peerPorts.contains { $0.port == socket.portName }
        let what =
            isIncoming
            ? "\(client.name) answers \(peer.address) on \(socket.portName)"
            : "\(client.name) talks to \(peer.address), \(socket.transport.rawValue)/\(peer.port)"
        switch network.way(of: packet) {
        case .leaves(let interfaces):
            if let out = interfaces.first(where: { !tunnels.contains($0) }) {
                against.append("\(what), by \(printable(out.utf8)) and not by the VPN")
            } else if !isForwarded, let own = network.interface(of: socket.address), !tunnels.contains(own.name) {
                against.append(
                    "\(what) with the address \(socket.address) of \(printable(own.name.utf8)), which is not the VPN's")
            } else {
                byTunnel += 1
            }
        case .stays: local += 1
        case .unreachable: doubts.append("\(what), to which there is no route now")
        case .unknown(let reason): doubts.append("the way is not known on which \(what): \(reason)")
        }
    }
}

extension HostFiles {
    /// The name servers that a client asks (resolv.conf(5)), but for those on this machine.
    fileprivate func resolvers(of client: FoundClient) -> [Policy.IPAddress] {
        let isApart = client.hasOwnNetwork == true || client.pod != nil
        let file = isApart ? "/proc/\(client.processes[0].id)/root/etc/resolv.conf" : "/etc/resolv.conf"
        return lines(file).compactMap { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count > 1, words[0] == "nameserver" else { return nil }
            return Policy.IPAddress(String(words[1]))
        }.filter { !Policy.IPPrefix("127.0.0.0/8")!.contains($0) && $0 != Policy.IPAddress("::1") }
    }
}
