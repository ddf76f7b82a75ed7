import LinuxSystem
public import SystemPackage

/// A place in a file. Lines and columns count from 1; a column is a character, not a byte.
public struct Place: Hashable, Sendable, CustomStringConvertible {
    /// The file, as it was named.
    public let file: FilePath
    /// The line, from 1.
    public let line: Int
    /// The column, from 1.
    public let column: Int

    /// `file:line:column`, as editors and compilers write it.
    public var description: String { "\(printable(file)):\(line):\(column)" }
}

/// Where a value of the configuration comes from.
public enum Origin: Hashable, Sendable, CustomStringConvertible {
    /// No file says anything about it.
    case builtIn
    /// A file says so, there.
    case file(Place)

    /// `default`, or `file:line`.
    public var description: String {
        switch self {
        case .builtIn: "default"
        case .file(let place): "\(printable(place.file)):\(place.line)"
        }
    }

    /// The place, where there is one.
    public var place: Place? {
        if case .file(let place) = self { place } else { nil }
    }
}
