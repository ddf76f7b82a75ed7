internal import Config
internal import LinuxSystem

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
    return found
}
