public import SystemPackage

/// The path of a file or folder, from the root: `/var/lib/clamav`.
public struct AbsolutePath: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind("path", write: "a path that begins with /, without . or .. in it")

    /// The path, without a slash at its end.
    public let path: FilePath

    /// Reads a path. It must begin at the root and have no `.` or `..`, so that what is written is what is meant.
    public init(parsing text: String) throws(InvalidValue) {
        guard text.hasPrefix("/") else {
            throw InvalidValue(text, Self.kind, why: "it must begin with /")
        }
        let names = text.split(separator: "/")
        guard !names.contains(where: { $0 == "." || $0 == ".." }) else {
            throw InvalidValue(text, Self.kind, why: "it must not contain . or ..")
        }
        guard !text.utf8.contains(0) else { throw InvalidValue(text, Self.kind, why: "it contains a NUL") }
        // PATH_MAX and NAME_MAX of <linux/limits.h>: no file can have a longer one.
        guard text.utf8.count < 4096, names.allSatisfy({ $0.utf8.count <= 255 }) else {
            throw InvalidValue(text, Self.kind, why: "it is longer than the kernel allows")
        }
        path = FilePath(text)
    }

    /// As it is written.
    public var text: String { path.string }
}
