import LinuxSystem
public import SystemPackage

/// Something wrong, or doubtful, about a configuration: where, about which key, and what to do.
public struct Problem: Hashable, Sendable, CustomStringConvertible {
    /// How bad it is.
    public enum Severity: String, Hashable, Sendable {
        /// The configuration can't be used.
        case error
        /// It can be used, but probably says something other than what was meant.
        case warning
    }

    /// How bad it is.
    public let severity: Severity
    /// The file, as it was named.
    public let file: FilePath
    /// Where in the file; nil where it is about the file as a whole.
    public let place: Place?
    /// The full path of the key, such as `scan.targets[system].paths`; empty where no key is concerned.
    public let key: String
    /// What is wrong and what to write instead, without place and key.
    public let message: String

    init(_ severity: Severity, _ place: Place, key: String, _ message: String) {
        self.severity = severity
        self.file = place.file
        self.place = place
        self.key = key
        self.message = message
    }

    /// About a file as a whole, or about a key that no file has.
    public init(_ severity: Severity, file: FilePath, key: String = "", _ message: String) {
        self.severity = severity
        self.file = file
        self.place = nil
        self.key = key
        self.message = message
    }

    /// One line: `file:line:column: error: key: message`.
    public var description: String {
        let start = place.map(\.description) ?? printable(file)
        return "\(start): \(severity.rawValue): " + (key.isEmpty ? "" : "\(key): ") + message
    }
}
