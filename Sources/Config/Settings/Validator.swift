extension Configuration {
    /// A validator client, or a node that one works with, on this machine: an item of `validators`.
    public struct Validator: NamedSection {
        /// The name.
        public var name: Name
        /// The profile that brings ports, data layout and key files; nil: none.
        public var profile: Name?
        /// The ports that the gate shuts; nil: those of the profile.
        public var ports: [Port]?
        /// Under which ports the validator is reached from outside, where these differ.
        public var externalPorts: [Port] = []
        /// The user it runs as, on the host's network; nil: it has no user of its own, or runs in a pod.
        public var uid: UserID?
        /// The pod it runs in; nil: none, or one on the host's network.
        public var pod: PodSelector?

        /// A validator with the defaults for what is not given. One without a profile needs ports.
        public init(
            name: Name, profile: Name? = nil, ports: [Port]? = nil, externalPorts: [Port] = [], uid: UserID? = nil,
            pod: PodSelector? = nil
        ) {
            self.name = name
            self.profile = profile
            self.ports = ports
            self.externalPorts = externalPorts
            self.uid = uid
            self.pod = pod
        }

        init() { self.init(name: "unnamed") }

        static let keys: [Key<Self>] = [
            Key("name", \.name, required: true, "The name of the validator, in messages and metrics."),
            Key(
                "profile", \.profile,
                """
                The name of a profile, such as `lighthouse` or `geth`: it brings the ports, the layout of the data \
                and the names of the key files. `null`: none, then `ports` is needed.
                """),
            Key(
                "ports", \.ports, limits: .notEmpty(),
                """
                The ports that the gate shuts: those on which peers reach the validator. `null`: those of the \
                profile. Ports that the machine itself needs are refused.
                """),
            Key(
                "externalPorts", \.externalPorts,
                """
                The ports of a NodePort or hostPort, where they are not those of `ports`. The gate shuts both. Ports \
                that the machine itself needs are refused.
                """),
            Key(
                "uid", \.uid,
                """
                The number of the user that the validator runs as. It tells the validator's own traffic from others' \
                where it runs on the host's network. The user must be the validator's alone; root is refused. `null`: \
                it has no user of its own, or runs in a pod with an address of its own.
                """),
            Key(
                "pod", \.pod,
                """
                The pod the validator runs in. Its addresses come from this machine's own container runtime, which is \
                only read; a pod that is not found is unknown, and unknown is shut. `null`: it runs on the host's \
                network.
                """),
        ]

        static func check(_ validator: Self, _ checks: inout Checks) {
            if validator.profile == nil && validator.ports == nil {
                checks.fail(
                    "profile",
                    "it has neither a profile nor ports, so the gate would have nothing to shut; add one of them",
                    or: "ports")
            }
            checkProfile(of: validator, &checks)
            let neverExposed = validator.profile.flatMap { checks.profiles?[$0] }?.neverExposed ?? []
            for (key, ports) in [("ports", validator.ports ?? []), ("externalPorts", validator.externalPorts)] {
                for (index, port) in ports.enumerated() {
                    if let owner = NodePorts.needed[port] {
                        checks.fail(
                            "\(key)[\(index)]",
                            "\(port) is \(owner), which the machine itself needs: the gate would shut you out; "
                                + "remove it")
                    } else if let owner = neverExposed.first(where: { $0.port == port })?.what.text
                        ?? NodePorts.neverOutside[port]
                    {
                        checks.warn(
                            "\(key)[\(index)]",
                            "\(port) is usually \(owner), which must never be reachable from outside, whether the "
                                + "gate is open or shut: let it listen on 127.0.0.1 only")
                    }
                }
            }
        }

        private static func checkProfile(of validator: Self, _ checks: inout Checks) {
            // A profile whose file has an error was told about there.
            guard let name = validator.profile, let known = checks.profiles, !known.broken.contains(name) else {
                return
            }
            guard let profile = known[name] else {
                let near = nearest(to: name.text, among: known.names).map { "did you mean \($0)? " } ?? ""
                let there =
                    known.names.isEmpty
                    ? "no profiles were found; install nodeguard again, or write ports instead"
                    : "\(near)there are \(known.names.joined(separator: ", "))"
                return checks.fail("profile", "there is no profile \(name): \(there)")
            }
            if validator.ports == nil && profile.ports.isEmpty {
                checks.fail(
                    "profile",
                    "the profile \(name) has no ports on which peers come, so the gate would have nothing to shut; add "
                        + "ports, or leave this validator out")
            }
        }

        /// The ports that the gate shuts: those of the validator itself, or else those of its profile.
        public func ports(by profiles: Profiles) -> [Port] {
            ports ?? profile.flatMap { profiles[$0] }?.ports ?? []
        }
    }

    /// Pods of one namespace: the mapping `validators[].pod`.
    public struct PodSelector: Section {
        /// The namespace.
        public var namespace: KubernetesNamespace
        /// The pod's name or a pattern for it.
        public var name: PodNamePattern

        /// The pods of a namespace that have such a name.
        public init(namespace: KubernetesNamespace, name: PodNamePattern) {
            self.namespace = namespace
            self.name = name
        }

        init() { self.init(namespace: "unnamed", name: "unnamed") }

        static let keys: [Key<Self>] = [
            Key("namespace", \.namespace, required: true, "The namespace of the pod."),
            Key("name", \.name, required: true, "The name of the pod, or a pattern with `*`, `?` and `[…]`."),
        ]
    }
}

/// Ports that do not belong into a validator's list.
enum NodePorts {
    /// Shutting one of these takes the machine away from its owner or its cluster.
    static let needed: [Port: String] = [
        "tcp/22": "SSH", "tcp/6443": "the Kubernetes API", "tcp/9345": "the supervisor of rke2",
        "tcp/10250": "the kubelet", "tcp/2379": "etcd", "tcp/2380": "etcd", "udp/8472": "the pods' VXLAN network",
    ]
    /// Listed here, such a port would look guarded while it stands open whenever the gate does.
    static let neverOutside: [Port: String] = [
        "tcp/8545": "an execution client's RPC", "tcp/8546": "an execution client's RPC by WebSocket",
        "tcp/8551": "an execution client's engine API",
    ]
}
