/// Everything that can be configured, with its built-in defaults: `Configuration()` is what an empty file means.
///
/// Each mapping of the file is a struct here, each key a property; the key's documentation, limits and spelling are
/// in the list `keys` beside the properties, and nowhere else. To add a key, add the property and its line there.
public struct Configuration: Section {
    /// What is scanned, when, and how gently.
    public var scan = Scan()
    /// The validators whose ports the gate guards.
    public var validators: [Validator] = []
    /// What the machine must be like for the gate to be open.
    public var policy = Policy()
    /// The systemd journal.
    public var journal = JournalSettings()
    /// Where nodeguard keeps what it remembers.
    public var paths = Paths()
    /// The metrics for Prometheus.
    public var metrics = Metrics()

    /// The defaults.
    public init() {}

    static let keys: [Key<Self>] = [
        Key("scan", \.scan, "What is scanned, when, and how gently."),
        Key(
            "validators", \.validators,
            """
            The validators of this machine. Their ports are what the gate shuts, their folders what a scan treats \
            with care. `nodeguard setup` finds them and proposes this list.
            """),
        Key("policy", \.policy, "What this machine must be like before validators may be reached."),
        Key("journal", \.journal, "The systemd journal."),
        Key("paths", \.paths, "Where nodeguard keeps what it remembers. A second instance needs its own."),
        Key("metrics", \.metrics, "The metrics for Prometheus."),
    ]

    static func check(_ settings: Self, _ checks: inout Checks) {
        if settings.policy.gate.mode == .enforce && settings.validators.isEmpty {
            checks.warn(
                "policy.gate.mode", "there are no validators, so there is no port to shut; add them under validators",
                or: "validators")
        }
        refuseSharedPorts(settings.validators, &checks)
    }

    /// On the host's network, and from outside, a port leads to one validator only.
    private static func refuseSharedPorts(_ validators: [Validator], _ checks: inout Checks) {
        var owners: [Port: Name] = [:]
        for validator in validators {
            let onHost = validator.pod == nil ? validator.ports(by: checks.profiles ?? .none) : []
            for (key, ports) in [("ports", onHost), ("externalPorts", validator.externalPorts)] {
                for (index, port) in ports.enumerated() {
                    let owner = owners[port] ?? validator.name
                    owners[port] = owner
                    if owner != validator.name {
                        checks.fail(
                            "validators[\(validator.name)].\(key)[\(index)]",
                            "\(port) belongs to the validator \(owner) already, and can lead to one of them only",
                            or: "validators[\(validator.name)].profile")
                    }
                }
            }
        }
    }
}
