internal import LinuxSystem
public import SystemPackage

/// Paths of which a session tells the outcome whatever it is, and of the folders above them: without that nobody could
/// say whether what was found there is gone.
public struct WatchedPaths: Codable, Equatable, Sendable {
    private let paths: Set<[UInt8]>

    /// These paths, and every folder above them.
    public init(_ paths: [FilePath]) {
        self.paths = paths.reduce(into: []) { all, path in
            let bytes = path.bytes
            all.insert(bytes)
            all.formUnion(bytes.foldersAbove)
        }
    }

    /// Whether there are none.
    public var isEmpty: Bool { paths.isEmpty }

    /// Whether it is one of them.
    public func contains(_ path: [UInt8]) -> Bool { !paths.isEmpty && paths.contains(path) }
}

extension [UInt8] {
    /// The paths of the folders above this path, down from the root.
    public var foldersAbove: [[UInt8]] {
        let slash = UInt8(ascii: "/")
        return indices.dropLast().filter { self[$0] == slash }.map { $0 == 0 ? [slash] : Array(self[..<$0]) }
    }

    /// Whether this path is `folder` or beneath it, by its bytes.
    public func isAtOrBeneath(_ folder: [UInt8]) -> Bool {
        guard starts(with: folder) else { return false }
        return count == folder.count || folder.last == UInt8(ascii: "/") || self[folder.count] == UInt8(ascii: "/")
    }
}
