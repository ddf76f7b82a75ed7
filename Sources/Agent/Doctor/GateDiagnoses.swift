internal import Config
internal import Policy

/// The gate: whether the kernel can do it, and whether it stands before the right ports.
@Sendable func diagnoseGate(_ patient: Doctor.Patient) -> [Diagnosis] {
    diagnoseFirewall(patient) + diagnoseValidators(patient)
}

private func diagnoseFirewall(_ patient: Doctor.Patient) -> [Diagnosis] {
    guard patient.settings.policy.gate.mode != .disabled else { return [] }
    var found: [Diagnosis] = []
    if let problem = patient.machine.firewallProblem {
        found.append(
            patient.isRoot
                ? Diagnosis(
                    "gate.no-nftables", .error, "the gate cannot be put into this kernel: \(problem)",
                    fix:
                        "modprobe -a nf_tables nft_fib nft_fib_inet; apt install linux-image-amd64 where the modules are missing"
                )
                : .needsRoot("gate.nftables", "whether nftables works"))
    }
    for table in patient.machine.flowtables ?? [] {
        found.append(
            Diagnosis(
                "gate.flowtable", .warning,
                "there is a flowtable, \(table): connections that it carries pass the gate by until they end",
                fix:
                    "take the validators' interfaces out of it, or switch it off (Calico: FelixConfiguration, nftables mode)"
            ))
    }
    // /proc/modules names what is loaded; a kernel with everything built in has none of it there.
    if patient.files.exists("/proc/modules"), patient.isRoot, patient.machine.firewallProblem == nil {
        let release = patient.files.lines("/proc/sys/kernel/osrelease").first ?? ""
        let loaded = patient.files.lines("/proc/modules").contains {
            $0.hasPrefix("nft_fib_inet ") || $0.hasPrefix("nft_fib ")
        }
        let places = ["builtin", "dep"].flatMap { patient.files.lines("/lib/modules/\(release)/modules.\($0)") }
        let available = places.contains { $0.contains("nft_fib_inet.ko") }
        if !loaded && !available && !places.isEmpty {
            found.append(
                Diagnosis(
                    "gate.no-fib", .error,
                    "the kernel \(release) has no module nft_fib_inet: the gate would shut the ports for other pods too, and answerVia: vpn would let nobody in",
                    fix: "apt install linux-image-amd64 and reboot into it (cloud kernels leave modules out)"))
        }
    }
    return found
}

private func diagnoseValidators(_ patient: Doctor.Patient) -> [Diagnosis] {
    let (settings, clients) = (patient.settings, patient.survey.clients)
    var found: [Diagnosis] = []
    if settings.validators.isEmpty {
        for client in clients where !client.peerPorts.isEmpty || client.listening == nil {
            found.append(
                Diagnosis(
                    "gate.unguarded", .error,
                    "\(client.processes[0].title) is a validator client (\(client.profile.name.text)), and no validator is configured",
                    fix: "nodeguard setup --write"))
        }
    } else if settings.policy.gate.mode == .observe {
        found.append(
            Diagnosis(
                "gate.observe", .warning, "validators are configured, and the gate only observes: it drops nothing",
                fix:
                    "nodeguard setup tells whether policy.gate.mode can be enforce; set it in \(patient.main), then systemctl reload nodeguard"
            ))
    } else if settings.policy.gate.mode == .disabled {
        found.append(
            Diagnosis(
                "gate.disabled", .warning,
                "validators are configured, and policy.gate.mode is disabled: their ports are never shut",
                fix: "set policy.gate.mode to observe or enforce, then systemctl reload nodeguard"))
    }
    let guarded = settings.validators.flatMap { patient.loaded.ports(of: $0) + $0.externalPorts }.map(Policy.Port.init)
    if !settings.validators.isEmpty {
        for client in clients {
            let missing = client.peerPorts.map(\.port).filter { !guarded.contains($0) }
            guard !missing.isEmpty else { continue }
            found.append(
                Diagnosis(
                    "gate.port-unguarded", .error,
                    "\(client.processes[0].title) listens for peers on \(missing.map(\.description).joined(separator: ", ")), which no validator of the configuration has",
                    fix: "add them to validators[].ports in \(patient.main), then systemctl reload nodeguard"))
        }
    }
    for validator in settings.validators {
        let name = validator.name.text
        let ports = patient.loaded.ports(of: validator)
        if ports.isEmpty {
            found.append(
                Diagnosis(
                    "gate.no-ports", .error, "the validator \(name) has no ports: the gate has nothing to shut for it",
                    fix: "give it ports, or a profile that has some, in \(patient.main)"))
        }
        found += diagnoseListening(validator, ports.map(Policy.Port.init), patient)
        if let uid = validator.uid?.number { found += diagnoseUser(uid, name, patient) }
        if validator.pod != nil && podAddresses(of: validator, patient).isEmpty && !patient.survey.processes.isPartial {
            found.append(
                Diagnosis(
                    "gate.pod-missing", .warning,
                    "no process of this host was found to be in the pod of the validator \(name)",
                    fix: "kubectl get pods -A -o wide, then correct validators[].pod (namespace and name)"))
        }
    }
    return found
}

/// A port that nobody listens on guards nothing: most likely the client has another one.
private func diagnoseListening(
    _ validator: Configuration.Validator, _ ports: [Policy.Port], _ patient: Doctor.Patient
) -> [Diagnosis] {
    // One process stands for each network namespace.
    var seen: Set<String> = []
    var isKnown = !patient.survey.processes.isPartial
    var listening: Set<Policy.Port> = []
    for process in patient.survey.processes.all {
        guard let namespace = process.networkNamespace else {
            isKnown = false
            continue
        }
        guard seen.insert(namespace).inserted else { continue }
        for socket in patient.files.sockets(inNetworkOf: process.id) where socket.isListening {
            listening.insert(socket.portName)
        }
    }
    let unused = ports.filter { !listening.contains($0) }
    guard !unused.isEmpty else { return [] }
    if !isKnown {
        return [.needsRoot("gate.port-unused", "whether something listens on the ports of \(validator.name)")]
    }
    return [
        Diagnosis(
            "gate.port-unused", .warning,
            "nothing listens on \(unused.map(\.description).joined(separator: ", ")), the ports of the validator \(validator.name)",
            fix: "start the client, or correct validators[].ports: ss -tulpn tells which ports it has")
    ]
}

private func diagnoseUser(_ uid: UInt32, _ name: String, _ patient: Doctor.Patient) -> [Diagnosis] {
    var others: [String] = patient.survey.users[uid].filter(\.canLogIn).map { "\($0.name) can log in as it" }
    let own = Set(patient.survey.clients.flatMap(\.processes).map(\.id))
    others += patient.survey.processes.all.filter {
        $0.uid == uid && !own.contains($0.id) && $0.networkNamespace == patient.survey.processes.hostNetwork
    }.map { "\($0.title) has it too" }
    guard let first = others.first else { return [] }
    return [
        Diagnosis(
            "gate.shared-user", .warning,
            "the user \(patient.survey.users.name(uid)) of the validator \(name) is not its alone: \(first): with direction: both the gate judges that traffic as the validator's",
            fix: "adduser --system --group \(name), let the validator run as it, and correct validators[].uid")
    ]
}

/// The addresses of a validator's pod, as far as processes of this host are seen in it.
func podAddresses(of validator: Configuration.Validator, _ patient: Doctor.Patient) -> [Policy.IPAddress] {
    guard let wanted = validator.pod else { return [] }
    return patient.survey.clients.filter { client in
        guard let name = client.pod?.name else { return false }
        return name.namespace == wanted.namespace.text && Policy.InterfacePattern(wanted.name.text).matches(name.pod)
    }.flatMap { patient.files.addresses(inNetworkOf: $0.processes[0].id) }
}
