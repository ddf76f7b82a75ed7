/// What is known of one client: the ports on which peers come, and what in its data is a key or a part of the chain.
///
/// Its name is that of its file. Profiles are data, so that a new client needs no new program.
public struct Profile: Section {
    /// The name, as `validators[].profile` has it.
    public internal(set) var name: Name = "unnamed"
    /// What the client is, for a person.
    public var about: Line = "a client"
    /// The ports on which its peers come: what the gate shuts where a validator has no `ports` of its own.
    public var ports: [Port] = []
    /// Ports that must be reachable from this machine at most.
    public var neverExposed: [LocalPort] = []
    /// Files and folders by which its data is known.
    public var knownBy: [FilePattern] = []
    /// The programs by which it is known while it runs.
    public var processes: [ProcessPattern] = []
    /// Its key files.
    public var keys = Keys()
    /// Its copy of the chain.
    public var chainData = Bulk()

    init() {}

    /// A profile without files.
    public init(name: Name, ports: [Port] = []) {
        self.name = name
        self.ports = ports
    }

    static let keys: [Key<Self>] = [
        Key("about", \.about, required: true, "What the client is, in a few words."),
        Key("ports", \.ports, required: true, "The ports on which its peers come."),
        Key(
            "neverExposed", \.neverExposed,
            "Its ports for programs on this machine. The gate does not open them; they must never be reachable from outside."
        ),
        Key("knownBy", \.knownBy, "Files and folders by which data of this client is known."),
        Key("processes", \.processes, "The programs by which the client is known while it runs."),
        Key("keys", \.keys, "Its key files."),
        Key("chainData", \.chainData, "Its copy of the chain."),
    ]

    static func check(_ profile: Self, _ checks: inout Checks) {
        for (index, local) in profile.neverExposed.enumerated() where profile.ports.contains(local.port) {
            checks.fail(
                "neverExposed[\(index)].port",
                "\(local.port) is in ports too; it is either for peers or for this machine alone")
        }
        for (index, port) in profile.ports.enumerated() {
            if let owner = NodePorts.needed[port] ?? NodePorts.neverOutside[port] {
                checks.fail("ports[\(index)]", "\(port) is \(owner), where no peer belongs; remove it")
            }
        }
    }

    /// A port for programs on this machine.
    public struct LocalPort: Section {
        /// The port.
        public var port: Port = "tcp/1"
        /// What listens there.
        public var what: Line = "unnamed"

        init() {}

        static let keys: [Key<Self>] = [
            Key("port", \.port, required: true, "The port."),
            Key("what", \.what, required: true, "What listens there."),
        ]
    }

    /// Key files: never opened, never moved.
    public struct Keys: Section {
        /// Keys, their passwords, tokens.
        public var secrets: [FilePattern] = []
        /// What was signed already.
        public var records: [FilePattern] = []
        /// Secrets with names too common to mean something elsewhere.
        public var secretsInFolders: [FilePattern] = []

        init() {}

        static let keys: [Key<Self>] = [
            Key(
                "secrets", \.secrets,
                "Files that nobody else may read: keys, their passwords, tokens. Recognised everywhere."),
            Key(
                "records", \.records,
                "Files that nobody else may write, but that are no secret: what was signed already. Recognised everywhere."
            ),
            Key(
                "secretsInFolders", \.secretsInFolders,
                "Secrets whose names are so common that they are recognised only in the folders of validators: beneath the paths of targets of kind validators."
            ),
        ]
    }

    /// Chain data: reported, never set aside.
    public struct Bulk: Section {
        /// Written once.
        public var immutable: [FilePattern] = []
        /// Changed in place.
        public var mutable: [FilePattern] = []

        init() {}

        static let keys: [Key<Self>] = [
            Key("immutable", \.immutable, "Files that are written once, or only ever appended to."),
            Key("mutable", \.mutable, "Databases that change in place while the client runs."),
        ]
    }
}

/// A line of text for a person.
public struct Line: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind("line of text", write: "a few words on one line")

    /// The words.
    public let text: String

    /// Reads a line.
    public init(parsing text: String) throws(InvalidValue) {
        guard (1...200).contains(text.utf8.count),
            !text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 })
        else { throw InvalidValue(text, Self.kind) }
        self.text = text
    }
}

extension FilePattern: Setting {}
extension Line: Setting {}
