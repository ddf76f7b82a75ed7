internal import Config
internal import LinuxSystem
internal import Policy

/// The lines of a proposal, section by section.
struct Draft {
    /// What the gate shall do.
    enum Gate {
        /// `enforce`, `both`, `vpn`: it was seen that they let the validators' work through.
        case proven
        /// `observe`, `inbound`, `any`.
        case careful
    }

    private let survey: HostSurvey
    private let vpn: VPNInterfaces?
    private let ranges: [ClusterRanges.Range]
    private let traffic: WorkingTraffic?
    /// What speaks against enforcing.
    private(set) var reservations: [String] = []
    /// For stderr.
    private(set) var notes: [String] = []
    /// The addresses of the clients with a network of their own, by name.
    private(set) var addresses: [String: [Policy.IPAddress]] = [:]
    /// The clients that have ports to guard, each with its ports.
    private var guarded: [FoundClient] = []

    init(_ survey: HostSurvey) {
        self.survey = survey
        vpn = survey.network.map(VPNInterfaces.init)
        ranges = ClusterRanges.ranges(survey.files, survey.processes, survey.network, clients: survey.clients)
        let local = ranges.map(\.prefix)
        let tunnels = vpn?.carrying.map(\.name) ?? []
        traffic = survey.network.map {
            WorkingTraffic(survey.clients, survey.files, $0, tunnels: tunnels, local: local)
        }
        sortClients()
        note()
    }

    private mutating func sortClients() {
        var taken: Set<Policy.Port> = []
        for client in survey.clients {
            // The ports of a pod that can be named are its own; any other container's are the node's.
            if client.hasOwnNetwork == true && client.pod?.name != nil {
                addresses[client.name] = survey.files.addresses(inNetworkOf: client.processes[0].id)
            } else if client.peerPorts.contains(where: { taken.contains($0.port) }) {
                continue
            } else {
                taken.formUnion(client.peerPorts.map(\.port))
            }
            if !ports(of: client).isEmpty { guarded.append(client) }
        }
    }

    /// The ports to guard: those seen, or those of the profile where nobody may look.
    private func ports(of client: FoundClient) -> [Policy.Port] {
        client.listening == nil ? client.profile.ports.map(Policy.Port.init) : client.peerPorts.map(\.port)
    }

    private mutating func note() {
        if let first = survey.processes.hidden.first {
            notes.append(
                "processes that may not be looked at: \(survey.processes.hidden.count) (the first is \(first)); a validator "
                    + "among them is not found: run it as root")
        }
        if survey.clients.isEmpty {
            let names = survey.profiles.names.joined(separator: ", ")
            notes.append(
                "no validator client was found: "
                    + (names.isEmpty
                        ? "there are no profiles to know one by" : "nothing that runs is a program of \(names)"))
        }
        if let problem = survey.networkProblem { notes.append("interfaces and routes are not known: \(problem)") }
        if vpn?.carrying.isEmpty == true && vpn?.idle.isEmpty == true {
            notes.append("no VPN interface was found: none that is up is a tunnel's")
        }
        if guarded.isEmpty {
            reservations.append("no validator with a port for peers was found, so there is nothing to shut")
        }
        guard !survey.clients.isEmpty else { return }
        if vpn?.carrying.isEmpty ?? true {
            reservations.append("no VPN carries the way to the internet now, so the gate would stay shut")
        }
        reservations += (traffic?.against ?? []) + (traffic?.doubts ?? [])
        for client in survey.clients where client.hasOwnNetwork == true && client.pod?.name == nil {
            reservations.append(
                "\(client.name) has a network of its own and no file tells the name of its pod, so the rules would not know its packets"
            )
        }
    }

    // MARK: The text

    func yaml(_ gate: Gate, _ reasons: [String] = []) -> String {
        var text = ProposalText()
        text.remark("Proposed by `nodeguard setup` from what was seen on \(hostName); each comment says what that was.")
        text.remark(
            "A file of conf.d: it is laid over nodeguard.yaml. Edit it as you like; `nodeguard config check` tells what is wrong."
        )
        text.space()
        scan(&text)
        text.space()
        validators(&text)
        text.space()
        policy(&text, gate, reasons)
        text.space()
        metrics(&text)
        return text.text
    }

    private var hostName: String {
        survey.files.lines("/etc/hostname").first ?? survey.files.lines("/proc/sys/kernel/hostname").first
            ?? "this host"
    }

    private func scan(_ text: inout ProposalText) {
        text.line(0, "scan:", "what is scanned")
        let named = survey.files.lines("/etc/clamav/freshclam.conf").last { $0.hasPrefix("DatabaseDirectory ") }?
            .split(separator: " ").dropFirst().first.map(String.init)
        let folder = named ?? "/var/lib/clamav"
        let databases = (survey.files.names(folder).value ?? []).filter {
            [".cvd", ".cld"].contains(where: $0.hasSuffix)
        }
        let source = named == nil ? "Debian's folder" : "DatabaseDirectory in /etc/clamav/freshclam.conf"
        text.line(
            2, "signatures: \(yamlText(folder))",
            "\(source); "
                + (databases.isEmpty
                    ? "no database in it yet: install clamav-freshclam" : databases.joined(separator: ", ")))
        var folders: [(path: String, reason: String)] = []
        for client in survey.clients {
            for folder in client.folders where AbsolutePath.isOne(folder) && folder != "/" {
                folders.append((folder, "the data of \(client.name), by its arguments or open files"))
            }
        }
        for (path, reason) in [
            ("/var/lib/rancher/rke2/storage", "rke2's local volumes"),
            ("/var/lib/rancher/k3s/storage", "k3s's local volumes"),
            ("/chaindata", "a folder of that name is there"),
        ] where survey.files.exists(path) {
            folders.append((path, reason))
        }
        // A folder in another is scanned with it.
        let roots = folders.enumerated().filter { index, folder in
            !folders.enumerated().contains { other, outer in
                other != index
                    && (folder.path.hasPrefix(outer.path + "/") || (outer.path == folder.path && other < index))
            }
        }.map(\.element)
        guard !roots.isEmpty else {
            text.remark("targets: as they are: no folder of a validator was seen", indent: 2)
            return
        }
        text.line(2, "targets:", "laid over the built-in targets of the same names")
        text.line(
            4, "- name: validators",
            "\(roots.count == 1 ? "a folder" : "\(roots.count) folders") with validators' data seen")
        text.line(6, "kind: validators", "infected files are only reported there, and key files are not opened")
        text.line(
            6, "paths: [\(roots.map { yamlText($0.path) }.joined(separator: ", "))]",
            roots.map { "\($0.path): \($0.reason)" }.joined(separator: "; "))
    }

    private func validators(_ text: inout ProposalText) {
        for client in survey.clients where !guarded.contains(client) {
            let why =
                client.peerPorts.isEmpty
                ? "it listens on no port for peers" : "another client has the same ports already"
            text.remark("not proposed: \(client.name), \(client.processes[0].title): \(why)")
        }
        guard !guarded.isEmpty else {
            text.remark("validators: none: no running validator client with a port for peers was found")
            return
        }
        text.line(0, "validators:", "\(guarded.count) found running")
        for client in guarded { validator(client, &text) }
    }

    private func validator(_ client: FoundClient, _ text: inout ProposalText) {
        let process = client.processes[0]
        for (socket, what) in client.exposed {
            text.remark(
                "it also listens on \(socket.portName) at \(socket.address), \(what): nobody outside may reach that",
                indent: 2)
        }
        text.line(2, "- name: \(yamlText(client.name))", "\(process.title) of user \(survey.users.name(process.uid))")
        text.line(4, "profile: \(yamlText(client.profile.name.text))", "its program: \(client.profile.about.text)")
        let ports = ports(of: client)
        let seen =
            client.listening == nil
            ? "the profile's: its sockets may not be looked at without root"
            : client.peerPorts.map { "\($0.port): listened on, \($0.reason)" }.joined(separator: "; ")
        text.line(4, "ports: [\(ports.map(\.description).joined(separator: ", "))]", seen)
        let outside = (client.pod?.hostPorts ?? []).filter { ports.contains($0.pod) && $0.node != $0.pod }
        if !outside.isEmpty {
            text.line(
                4, "externalPorts: [\(outside.map { "\($0.node)" }.joined(separator: ", "))]",
                outside.map { "hostPort \($0.node) leads to the pod's \($0.pod)" }.joined(separator: "; "))
        }
        if client.hasOwnNetwork == true {
            pod(client, &text)
        } else {
            user(client, &text)
        }
    }

    private func pod(_ client: FoundClient, _ text: inout ProposalText) {
        guard let pod = client.pod, let name = pod.name, let pattern = pod.pattern else {
            text.remark(
                "pod: not known: it has a network of its own (\(client.processes[0].networkNamespace ?? "?")), and neither "
                    + "/var/log/pods nor the container network's cache names its pod", indent: 4)
            return
        }
        text.line(
            4, "pod: { namespace: \(yamlText(name.namespace)), name: \(yamlText(pattern)) }",
            "it runs in the pod \(name.pod)" + (pattern == name.pod ? "" : ", whose next one has another ending"))
    }

    /// The user is proposed only where every process of it is a validator client's.
    private func user(_ client: FoundClient, _ text: inout ProposalText) {
        let uid = client.processes[0].uid
        func none(_ reason: String) { text.remark("uid: not proposed: \(reason)", indent: 4) }
        guard uid != 0 else { return none("it runs as root, whose traffic is the whole machine's") }
        guard !client.processes.contains(where: { $0.uid != uid }) else {
            return none("its processes belong to several users")
        }
        let users = survey.users[uid]
        if let person = users.first(where: \.canLogIn) {
            return none("\(person.name) (\(uid)) can log in, so other programs may have this user too")
        }
        let own = Set(survey.clients.flatMap(\.processes).map(\.id))
        if let other = survey.processes.all.first(where: {
            $0.uid == uid && !own.contains($0.id) && $0.networkNamespace == survey.processes.hostNetwork
        }) {
            return none("\(other.title) has the user \(survey.users.name(uid)) too: give the validator one of its own")
        }
        text.line(
            4, "uid: \(uid)", "\(survey.users.name(uid)): no other program has this user, and nobody logs in with it")
    }

    private func policy(_ text: inout ProposalText, _ gate: Gate, _ reasons: [String]) {
        text.line(0, "policy:", "what this machine must be like")
        text.line(2, "selinux:", "seen: \(selinux)")
        text.line(
            4, "require: enforcing", "the default; a machine without SELinux needs `ignore` here, by your own decision")
        text.line(2, "vpn:", home)
        interfaces(&text)
        text.line(4, "ipv4: required", ways(.ipv4))
        text.line(4, "ipv6: absent-or-vpn", ways(.ipv6))
        if ranges.isEmpty {
            text.remark("local: as it is: no network of pods or services was seen", indent: 4)
        } else {
            text.line(
                4, "local: [\(ranges.map { "\($0.prefix)" }.joined(separator: ", "))]",
                ranges.map { "\($0.prefix): \($0.reason)" }.joined(separator: "; "))
        }
        let proof = traffic.map { "\($0.byTunnel) connections with peers, all by the VPN" } ?? ""
        switch gate {
        case .proven:
            text.line(2, "gate:", "\(proof); none that these rules would have dropped. Peers over UDP cannot be seen")
            text.line(4, "mode: enforce", "every check that the gate requires passes now")
            text.line(4, "direction: both", "all that the validators send to the internet goes by the VPN")
            text.line(4, "answerVia: vpn", "every answer to a peer goes by the VPN")
        case .careful:
            for reason in reasons.prefix(8) { text.remark("against enforcing: \(reason)", indent: 2) }
            if reasons.count > 8 { text.remark("and \(reasons.count - 8) more reasons", indent: 2) }
            text.line(2, "gate:", "run `nodeguard setup` again when the reasons above are gone")
            text.line(4, "mode: observe", "it tells what it would do, and drops nothing")
            text.line(4, "direction: inbound", "not seen that `both` would let the validators' work through")
            text.line(4, "answerVia: any", "not seen that `vpn` would let the validators' peers in")
        }
    }

    private func interfaces(_ text: inout ProposalText) {
        guard let vpn else {
            return text.remark("interfaces: as they are: the kernel was not asked, or did not answer", indent: 4)
        }
        for interface in vpn.doubtful {
            text.remark(
                "\(interface.name) looks like a VPN's by its name or kind, and is "
                    + (interface.isTunnel
                        ? "not up" : "no tunnel (\(interface.kind.isEmpty ? "a network card" : interface.kind))"),
                indent: 4)
        }
        // A VPN that is not connected now is still the one that is meant.
        let chosen = [vpn.carrying, vpn.idle, vpn.doubtful.filter(\.isTunnel)].first { !$0.isEmpty }
        guard let chosen else {
            return text.remark("interfaces: as they are: no tunnel is up on this host", indent: 4)
        }
        let carries =
            !vpn.carrying.isEmpty
            ? "carries the route to the internet"
            : vpn.idle.isEmpty
                ? "is the only kind of VPN here, and not up" : "is up, but carries no route to the internet now"
        if !vpn.carrying.isEmpty && !vpn.idle.isEmpty {
            text.remark(
                "also up, without a route to the internet: \(vpn.idle.map(\.name).joined(separator: ", "))", indent: 4)
        }
        text.line(
            4, "interfaces: [\(chosen.map { yamlText($0.name) }.joined(separator: ", "))]",
            chosen.map { "\($0.name) (\($0.kind)) \(carries)" }.joined(separator: "; "))
    }

    private var selinux: String {
        survey.posture(PosturePolicy())[.selinuxEnforcing]?.evidence ?? "nothing is known of it"
    }

    private var home: String {
        guard let vpn, !vpn.home.isEmpty else { return "no other interface carries the way to the internet" }
        let names = vpn.home.map(\.name).joined(separator: ", ")
        return "\(names) carries the way to the internet\(vpn.carrying.isEmpty ? "" : " too"), and is no VPN"
    }

    private func ways(_ family: Policy.AddressFamily) -> String {
        guard let network = survey.network else { return "the default: routes are not known" }
        var out: [String] = []
        var isPartly = false
        for way in network.internet(family) {
            switch way {
            case .leaves(let names): for name in names where !out.contains(name) { out.append(name) }
            case .stays, .unreachable, .unknown: isPartly = true
            }
        }
        if out.isEmpty { return "the default; \(family.rawValue) has no route to the internet now" }
        return "\(family.rawValue) leaves by \(out.joined(separator: ", ")) now"
            + (isPartly ? ", but not to everywhere" : "")
    }

    private func metrics(_ text: inout ProposalText) {
        let exporters = NodeExporter.running(survey.files, survey.processes)
        let folder: String
        let seen: String
        if let found = exporters.first(where: { $0.folder != nil }), let named = found.folder, AbsolutePath.isOne(named)
        {
            folder = named
            seen = "--collector.textfile.directory of \(found.process.title)"
        } else {
            folder = NodeExporter.debianFolder
            seen =
                exporters.first.map {
                    "Debian's folder; \($0.process.title) reads none: start it with --collector.textfile.directory"
                }
                ?? "Debian's folder; no node exporter runs here"
        }
        text.line(0, "metrics:", "for Prometheus")
        text.line(2, "textfile: \(yamlText(folder + "/nodeguard.prom"))", seen)
    }
}

extension AbsolutePath {
    /// Whether a text is such a path, as the configuration takes it.
    fileprivate static func isOne(_ text: String) -> Bool { (try? AbsolutePath(parsing: text)) != nil }
}
