public import SystemPackage

/// A key file has an owner or permissions that it should not have. It was not opened to find out.
public struct KeyFileExposed: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.keyFileExposed, messageID: 0x84cc6851_8fd543df_a085a35a_8901ef31)]

    /// The file.
    public var path: FilePath
    /// What is wrong with it, at least one.
    public var problems: [Problem]
    /// Its permission bits, `0o7777` at most.
    public var permissions: UInt16
    /// The number of its owner.
    public var user: UInt32
    /// The number of its group.
    public var group: UInt32
    /// The target's name; nil where paths were given by hand.
    public var target: String?
    /// The scan that met it.
    public var scanID: ScanID

    /// What can be wrong with a key file.
    public enum Problem: String, CaseIterable, Codable, Sendable {
        /// Every user of this host may read a secret.
        case readableByOthers = "readable_by_others"
        /// A group other than the owner's own may read a secret.
        case readableByGroup = "readable_by_group"
        /// Every user of this host may write to it.
        case writableByOthers = "writable_by_others"
        /// A group other than the owner's own may write to it.
        case writableByGroup = "writable_by_group"
        /// It belongs neither to root nor to the owner of its folder.
        case foreignOwner = "foreign_owner"
        /// Every user of this host may put another file in its place.
        case replaceable

        fileprivate var words: String {
            switch self {
            case .readableByOthers: "every user may read it"
            case .readableByGroup: "its group may read it"
            case .writableByOthers: "every user may write to it"
            case .writableByGroup: "its group may write to it"
            case .foreignOwner: "it belongs neither to root nor to the owner of its folder"
            case .replaceable: "every user may replace it, for its folder is writable by all"
            }
        }
    }

    /// Tells what is wrong with a key file.
    public init(
        path: FilePath, problems: [Problem], permissions: UInt16, user: UInt32, group: UInt32, target: String?,
        scanID: ScanID
    ) {
        self.path = path
        self.problems = problems
        self.permissions = permissions
        self.user = user
        self.group = group
        self.target = target
        self.scanID = scanID
    }

    /// What is wrong and what was seen, for a person: `every user may read it (mode 0644, owner 1000, group 1000)`.
    public var evidence: String {
        let digits = String(permissions, radix: 8)
        let mode = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return problems.map(\.words).joined(separator: "; ") + " (mode \(mode), owner \(user), group \(group))"
    }

    /// Needs attention.
    public var priority: Priority { .warning }
    /// What a person reads.
    public var message: MessageText { "The key file \(path) is not as safe as it should be: \(evidence)." }
    /// Path, every problem in a field of its own, what was seen, scan and target.
    public var fields: [JournalField] {
        [JournalField(.path, path)] + problems.map { JournalField(.reason, $0.rawValue) }
            + scanFields(scanID, target) + detailField(evidence)
    }
    /// The event.
    public var event: Event { .keyFileExposed(self) }

    /// Writes the path with its bytes where they are not plain text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(path: path, forKey: "path")
        try container.encode(problems, forKey: "problems")
        try container.encode(permissions, forKey: "permissions")
        try container.encode(user, forKey: "user")
        try container.encode(group, forKey: "group")
        try container.encodeIfPresent(target, forKey: "target")
        try container.encode(scanID, forKey: "scanID")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        path = try container.decode(pathForKey: "path")
        problems = try container.decode([Problem].self, forKey: "problems")
        permissions = try container.decode(UInt16.self, forKey: "permissions")
        user = try container.decode(UInt32.self, forKey: "user")
        group = try container.decode(UInt32.self, forKey: "group")
        target = try container.decodeIfPresent(String.self, forKey: "target")
        scanID = try container.decode(ScanID.self, forKey: "scanID")
    }
}
