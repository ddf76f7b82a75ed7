internal import Config
internal import LinuxSystem
internal import Policy

/// Ports that are for this machine alone and that others can reach: RPC, engine API, key managers.
@Sendable func diagnosePorts(_ patient: Doctor.Patient) -> [Diagnosis] {
    var found: [Diagnosis] = []
    for client in patient.survey.clients {
        if client.listening == nil {
            found.append(.needsRoot("ports.unknown", "on which addresses \(client.processes[0].title) listens"))
        }
        for (socket, what) in client.exposed {
            // Within a pod's own network it is the cluster's business who gets there.
            if client.hasOwnNetwork == true {
                let outside = client.pod?.hostPorts.first { $0.pod == socket.portName }
                guard let outside else { continue }
                found.append(
                    Diagnosis(
                        "ports.exposed", .error,
                        "\(outside.node) of this node leads to \(what) of \(client.name) (\(socket.portName) of its pod)",
                        fix: "remove that hostPort from the pod"))
                continue
            }
            let isUsual = client.profile.neverExposed.contains { "\($0.port)" == "\(socket.portName)" }
            found.append(
                Diagnosis(
                    "ports.exposed", isUsual ? .error : .warning,
                    "\(client.processes[0].title) listens on \(socket.portName) at \(socket.address): \(what)",
                    fix:
                        "let it listen on 127.0.0.1 only: the option is in the arguments of process \(client.processes[0].id) (ps -fp \(client.processes[0].id))"
                ))
        }
    }
    return found + diagnoseStrangers(patient)
}

/// Ports of execution clients that nobody but this machine may reach, whoever listens: a proxy, a container, a client that no
/// profile knows.
private func diagnoseStrangers(_ patient: Doctor.Patient) -> [Diagnosis] {
    let processes = patient.survey.processes
    guard let witness = processes.all.first(where: { $0.networkNamespace == processes.hostNetwork }) else { return [] }
    let told = Set(patient.survey.clients.flatMap(\.exposed).map(\.socket.inode))
    let watched: [UInt16: String] = [8545: "JSON-RPC", 8546: "JSON-RPC over WebSocket", 8551: "the engine API"]
    var seen: Set<UInt16> = []
    return patient.files.sockets(inNetworkOf: witness.id).compactMap { socket in
        guard socket.transport == .tcp, socket.isListening, !socket.isLoopback, !told.contains(socket.inode),
            let what = watched[socket.port], seen.insert(socket.port).inserted
        else { return nil }
        return Diagnosis(
            "ports.exposed", .error,
            "something listens on tcp/\(socket.port) at \(socket.address), where an execution client has \(what)",
            fix: "ss -tlpn 'sport = :\(socket.port)' tells what it is; let it listen on 127.0.0.1 only")
    }
}
