/// Files of a client, wherever its data lies: a name, or the last names of a path.
///
/// - `keystore-m_12381_*.json` has no slash: the name of a file. `*` and `?` stand for anything but a slash.
/// - `**/geth/chaindata/*.sst` begins with `**/`: these names, at the end of a path. `**` as a whole name stands for
///   any number of folders.
public struct FilePattern: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "file pattern",
        write: "a name without a slash, as in node_key.json, or names behind **/, as in **/geth/nodekey")

    /// The pattern as it was written.
    public let text: String

    /// Reads a pattern. One that would fit files of anybody is refused.
    public init(parsing text: String) throws(InvalidValue) {
        guard !text.isEmpty, text.utf8.count < 4096, !text.utf8.contains(0) else { throw InvalidValue(text, Self.kind) }
        let names = text.split(separator: "/", omittingEmptySubsequences: false)
        guard names.count == 1 || names[0] == "**" else {
            throw InvalidValue(text, Self.kind, why: "nobody knows where the data lies: begin it with **/")
        }
        guard !names.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            throw InvalidValue(text, Self.kind, why: "it must not contain //, . or .., nor end in /")
        }
        guard !names.contains(where: { $0.contains("**") && $0 != "**" }) else {
            throw InvalidValue(text, Self.kind, why: "** stands for whole folders, so it must be a name of its own")
        }
        guard !text.utf8.contains(where: { "[]{}\\".utf8.contains($0) }) else {
            throw InvalidValue(
                text, Self.kind,
                why: "brackets, braces and backslashes mean nothing here; only * and ? do")
        }
        // What an ending alone can name is everybody's: *.json.
        let hasName = names.contains {
            $0.drop { $0 == "." }.prefix { $0 != "." }.contains { $0.isLetter || $0.isNumber }
        }
        guard hasName else {
            throw InvalidValue(
                text, Self.kind,
                why: "it would fit files of anybody; name a folder or a part of the name")
        }
        self.text = text
    }
}
