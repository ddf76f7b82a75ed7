/// Something that keeps nodeguard from doing its job on this host, with what was seen and what to do.
public struct Diagnosis: Equatable, Sendable, Encodable {
    /// How bad it is.
    public enum Severity: String, CaseIterable, Encodable, Sendable {
        /// It keeps nodeguard from a part of its job now.
        case error
        /// It will, or it makes the machine less safe than its owner thinks.
        case warning
        /// It could not be found out.
        case unknown
        /// It costs something, and nothing needs to be done.
        case note
    }

    /// What it is, for programs: `signatures.none`. It does not change.
    public let id: String
    /// How bad it is.
    public let severity: Severity
    /// What was seen, a sentence for a person, safe to print.
    public let seen: String
    /// What to do about it: a command to paste, or a sentence where no command does it.
    public let fix: String

    /// A finding.
    public init(_ id: String, _ severity: Severity, _ seen: String, fix: String) {
        self.id = id
        self.severity = severity
        self.seen = seen
        self.fix = fix
    }

    /// Something that only root may know.
    static func needsRoot(_ id: String, _ what: String) -> Diagnosis {
        Diagnosis(id, .unknown, "\(what) is not known: that needs root", fix: "sudo nodeguard doctor")
    }
}
