public import SystemPackage

/// Something is wrong with a file of nodeguard's own state. What it protects is done all the same: a scan that cannot
/// rely on it looks at every file.
public struct StateProblem: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.stateProblem, messageID: 0x68838934_c96a45c0_92af1624_e089407a)]

    /// The file.
    public var path: FilePath
    /// What sort of problem.
    public var problem: Problem
    /// What exactly happened, and what was done about it.
    public var detail: String

    /// What sort of problem.
    public enum Problem: String, CaseIterable, Codable, Sendable {
        /// It is not what was written: nothing in it was believed, and it was set aside.
        case damaged
        /// It cannot be written: nothing more is kept.
        case unwritable
        /// Another process is writing it: this one keeps nothing.
        case busy
    }

    /// Tells that something is wrong with a file.
    public init(path: FilePath, problem: Problem, detail: String) {
        self.path = path
        self.problem = problem
        self.detail = detail
    }

    /// Needs attention; another process that writes it does not.
    public var priority: Priority { problem == .busy ? .notice : .warning }
    /// What a person reads.
    public var message: MessageText { "\(path) (\(problem.rawValue)): \(detail)" }
    /// Path, problem, and what exactly happened.
    public var fields: [JournalField] {
        [JournalField(.path, path), JournalField(.reason, problem.rawValue)] + detailField(detail)
    }
    /// The event.
    public var event: Event { .stateProblem(self) }

    /// Writes the path with its bytes where they are not plain text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(path: path, forKey: "path")
        try container.encode(problem, forKey: "problem")
        try container.encode(detail, forKey: "detail")
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        path = try container.decode(pathForKey: "path")
        problem = try container.decode(Problem.self, forKey: "problem")
        detail = try container.decode(String.self, forKey: "detail")
    }
}
