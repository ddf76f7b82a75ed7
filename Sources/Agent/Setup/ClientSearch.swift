public import Config
public import Policy

/// A validator client that runs on this host, with what was seen of it.
public struct FoundClient: Equatable, Sendable {
    /// The name for the configuration: the profile's, with a number where there is more than one.
    public var name: String
    /// The profile whose programs it is one of.
    public var profile: Profile
    /// The process that was found first, and those that it started.
    public var processes: [HostProcess]
    /// Its pod; nil where it is in none.
    public var pod: HostPod?
    /// Whether it has a network of its own, apart from the host's. Nil where that may not be asked.
    public var hasOwnNetwork: Bool?
    /// The sockets it waits for others at; nil where they may not be asked.
    public var listening: [HostSocket]?
    /// Its TCP connections and connected UDP sockets.
    public var connections: [HostSocket]
    /// Where its data is on the host, as its arguments tell.
    public var folders: [String]

    /// The ports on which its peers come, with the reason for each.
    public var peerPorts: [(port: Policy.Port, reason: String)]
    /// Ports for this machine or its cluster alone that others could reach: not on loopback.
    public var exposed: [(socket: HostSocket, what: String)]

    /// By process and name.
    public static func == (one: Self, other: Self) -> Bool {
        one.name == other.name && one.processes == other.processes && one.pod == other.pod
    }
}

/// Looks for validator clients among the processes of a host.
public enum ClientSearch {
    /// The clients that run, those of the lowest process number first.
    public static func clients(_ files: HostFiles, _ processes: HostProcesses, _ profiles: Profiles) -> [FoundClient] {
        var found: [FoundClient] = []
        for process in processes.all {
            guard
                let profile = profiles.all.first(where: { profile in
                    profile.processes.contains { $0.matches(program: process.program, arguments: process.arguments) }
                })
            else { continue }
            // What a client's own process started is the client too.
            if let index = found.firstIndex(where: { client in
                client.profile.name == profile.name && client.processes.contains { $0.id == process.parent }
            }) {
                found[index].processes.append(process)
                continue
            }
            let hasOwnNetwork = process.networkNamespace.flatMap { own in processes.hostNetwork.map { own != $0 } }
            found.append(
                FoundClient(
                    name: profile.name.text, profile: profile, processes: [process], pod: files.pod(of: process),
                    hasOwnNetwork: hasOwnNetwork, listening: nil, connections: [], folders: [], peerPorts: [],
                    exposed: []))
        }
        var taken: [String: Int] = [:]
        for index in found.indices {
            look(at: &found[index], files)
            let count = taken[found[index].name, default: 0] + 1
            taken[found[index].name] = count
            if count > 1 { found[index].name += "-\(count)" }
        }
        return found
    }

    private static func look(at client: inout FoundClient, _ files: HostFiles) {
        guard let first = client.processes.first else { return }
        let numbers = client.processes.map { files.socketNumbers(of: $0.id) }
        if !numbers.contains(nil) {
            let own = numbers.compactMap(\.self).reduce(into: Set()) { $0.formUnion($1) }
            let sockets = files.sockets(inNetworkOf: first.id).filter { own.contains($0.inode) }
            client.listening = sockets.filter(\.isListening)
            client.connections = sockets.filter { !$0.isListening && $0.peer != nil }
        }
        sortPorts(of: &client)
        client.folders = folders(of: client, files)
    }

    /// Ports for peers, told from the rest by what the profile says, by TCP and UDP having the same number, and by the
    /// names of options.
    private static func sortPorts(of client: inout FoundClient) {
        let reachable = (client.listening ?? []).filter { !$0.isLoopback }
        let profile = client.profile
        var seen: [Policy.Port] = []
        for socket in reachable where !seen.contains(socket.portName) {
            seen.append(socket.portName)
            let port = socket.portName
            if let local = profile.neverExposed.first(where: { Policy.Port($0.port) == port }) {
                client.exposed.append((socket, local.what.text))
            } else if profile.ports.contains(where: { Policy.Port($0) == port }) {
                client.peerPorts.append((port, "its usual port for peers"))
            } else if let option = peerOption(for: port.number, client.processes) {
                client.peerPorts.append((port, "as \(option) says"))
            } else if reachable.contains(where: { $0.port == port.number && $0.transport != port.transport }) {
                client.peerPorts.append((port, "TCP and UDP have the same number, as for peers"))
            } else if port.transport == .tcp {
                client.exposed.append((socket, "a port that is not its usual one for peers"))
            }
        }
        client.peerPorts.sort {
            ($0.port.number, $0.port.transport.rawValue) < ($1.port.number, $1.port.transport.rawValue)
        }
    }

    /// Words in the names of options for ports that are not for peers.
    private static let otherPorts = [
        "http", "rpc", "metric", "auth", "engine", "ws", "api", "rest", "grpc", "monitor", "pprof", "prometheus",
        "graphql", "debug", "db",
    ]

    /// The option that sets this number as a port for peers: `--port`, `--p2p-udp-port` and their like.
    private static func peerOption(for number: UInt16, _ processes: [HostProcess]) -> String? {
        for process in processes {
            for (index, argument) in process.arguments.enumerated() where argument.hasPrefix("-") {
                let parts = argument.split(separator: "=", maxSplits: 1)
                let name = parts[0].lowercased()
                let value =
                    parts.count == 2
                    ? String(parts[1]) : index + 1 < process.arguments.count ? process.arguments[index + 1] : ""
                guard name.hasSuffix("port"), !otherPorts.contains(where: name.contains), value == "\(number)" else {
                    continue
                }
                return "\(parts[0]) \(number)"
            }
        }
        return nil
    }

    /// The names that clients give the option for the folder of their data. Without one, what they have open tells.
    private static func folders(of client: FoundClient, _ files: HostFiles) -> [String] {
        let process = client.processes[0]
        let named = process.option(
            "--datadir", "--data-dir", "--data-path", "--data-base-path", "--dataDir", "--home", "--base-path",
            "--baseDbPath", "-d", "--wallet-dir")
        let folder =
            named.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? openFolder(of: process, client.profile, files)
        return folder.map { [files.hostFolder($0, by: process) ?? $0] } ?? []
    }

    /// The folder above the first one that a pattern of the client's chain data names: `/srv/x` for `/srv/x/geth/chaindata/1.ldb`
    /// and `**/geth/chaindata/**`.
    private static func openFolder(of process: HostProcess, _ profile: Profile, _ files: HostFiles) -> String? {
        let begins = (profile.chainData.mutable + profile.chainData.immutable).compactMap { pattern -> String? in
            let names = pattern.text.split(separator: "/").dropFirst().prefix { !$0.contains("*") && !$0.contains("?") }
            return names.count > 0 && pattern.text.hasPrefix("**/") ? "/" + names.joined(separator: "/") + "/" : nil
        }
        for name in files.names("/proc/\(process.id)/fd").value ?? [] {
            guard let open = files.link("/proc/\(process.id)/fd/\(name)").value, open.hasPrefix("/") else { continue }
            for begin in begins {
                if let place = open.firstRange(of: begin), place.lowerBound != open.startIndex {
                    return String(open[..<place.lowerBound])
                }
            }
        }
        return nil
    }
}
