/// What a target leaves out: a path with everything beneath it, or a pattern.
///
/// - `/srv/iso` and `/home/*/Downloads` begin with a slash: the whole path, and everything beneath it. `*` and `?`
///   stand for anything but a slash, `**` for anything.
/// - `*.iso` and `node_modules` have no slash: the name of a file or folder, wherever it is.
public struct PathPattern: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "pattern",
        write: "a path that begins with / (it may have *, ? and **), or a name without a slash, as in *.iso")

    /// The pattern as it was written.
    public let text: String

    /// Whether it is matched with the whole path rather than with a name.
    public var isPath: Bool { text.hasPrefix("/") }

    /// Reads a pattern. A pattern that would leave out everything is refused.
    public init(parsing text: String) throws(InvalidValue) {
        guard !text.isEmpty, text.utf8.count < 4096, !text.utf8.contains(0) else {
            throw InvalidValue(text, Self.kind)
        }
        guard !text.utf8.allSatisfy({ "/*?".utf8.contains($0) }) else {
            throw InvalidValue(text, Self.kind, why: "it would leave out everything")
        }
        guard text.hasPrefix("/") || !text.contains("/") else {
            throw InvalidValue(text, Self.kind, why: "a path must begin with /, and a name has no slash")
        }
        let names = text.split(separator: "/")
        guard !names.contains(where: { $0 == "." || $0 == ".." }) else {
            throw InvalidValue(text, Self.kind, why: "it must not contain . or ..")
        }
        self.text = text
    }
}
