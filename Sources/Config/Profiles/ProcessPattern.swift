internal import Glibc

extension Profile {
    /// A program by which a client is known while it runs: an item of `processes`.
    public struct ProcessPattern: Section {
        /// The name of the executable's file, without folders.
        public var program: ProgramPattern = "unnamed"
        /// What one of its arguments is; nil: whatever they are.
        public var argument: Line?

        init() {}

        static let keys: [Key<Self>] = [
            Key("program", \.program, required: true, "The name of the executable, or a pattern with `*` and `?`."),
            Key(
                "argument", \.argument,
                """
                One of the program's arguments as a whole, or a pattern with `*` and `?`. It tells the client from \
                others where the program is an interpreter, such as java.
                """),
        ]

        /// Programs that say nothing about what they run.
        private static let interpreters = [
            "java", "node", "nodejs", "dotnet", "python", "python3", "sh", "bash", "dash", "env", "sudo", "nice",
        ]

        static func check(_ pattern: Self, _ checks: inout Checks) {
            guard pattern.argument == nil,
                let taken = interpreters.first(where: { matchesWhole($0, pattern.program.text) })
            else { return }
            checks.fail(
                "program",
                "\(taken) runs programs of every kind; say in argument by which of its arguments the client is known",
                or: "argument")
        }

        /// Whether a process is this program.
        ///
        /// - Parameters:
        ///   - program: the name of its executable's file.
        ///   - arguments: its arguments, without its own name.
        public func matches(program: String, arguments: [String]) -> Bool {
            guard matchesWhole(program, self.program.text) else { return false }
            guard let argument else { return true }
            return arguments.contains { matchesWhole($0, argument.text) }
        }
    }
}

/// The name of a program's file, or a pattern for it.
public struct ProgramPattern: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "program", write: "the name of an executable without folders, or a pattern with * and ?, as in beacon-chain-*")

    /// The pattern.
    public let text: String

    /// Reads a name or pattern. One that would fit programs of anybody is refused.
    public init(parsing text: String) throws(InvalidValue) {
        guard (1...255).contains(text.utf8.count), !text.utf8.contains(where: { $0 < 33 || "/[]\\".utf8.contains($0) })
        else { throw InvalidValue(text, Self.kind) }
        guard text.utf8.count(where: \.isLetterOrDigit) >= 3 else {
            throw InvalidValue(text, Self.kind, why: "it would fit programs of anybody")
        }
        self.text = text
    }
}

extension ProgramPattern: Setting {}

/// fnmatch(3) without any special meaning of slashes, dots or backslashes.
private func matchesWhole(_ text: String, _ pattern: String) -> Bool {
    unsafe fnmatch(pattern, text, Int32(1 << 1)) == 0
}
