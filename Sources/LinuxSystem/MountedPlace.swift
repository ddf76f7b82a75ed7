internal import SystemPackage

/// Where a file is within its file system, whatever mount it was reached by: a bind mount shows the same files under
/// another path, and must not make them others.
public struct MountedPlace: Equatable, Sendable {
    /// The file system's device, `8:1`, as the kernel tells it of each of its mounts.
    public let device: String
    /// The path from the file system's own root.
    public let path: [UInt8]

    /// Where an open file is now, from `/proc/self/fd` and `/proc/self/mountinfo` (proc(5)).
    ///
    /// - Throws: where the kernel does not tell it.
    public static func of(_ file: borrowing OwnedDescriptor) throws(SystemCallError) -> MountedPlace {
        let path = try readLink(FilePath("/proc/self/fd/\(file.rawValue)"))
        let mount: UInt64
        let table: [UInt8]
        do {
            mount = try FileStatus.of(file).mount
            let mounts = try FileDescriptor.open(FilePath("/proc/self/mountinfo"), .readOnly, options: .closeOnExec)
            table = try mounts.closeAfter { try readToEnd(mounts) }
        } catch {
            throw SystemCallError(
                "statx", "find the file system of", printable(path), errno: error as? Errno ?? .ioError)
        }
        guard let place = place(of: path.bytes, mount: mount, table: table) else {
            throw SystemCallError(
                "mountinfo", "find the file system of", printable(path), errno: .noSuchFileOrDirectory)
        }
        return place
    }

    /// Whether this place is `folder` or beneath it.
    public func isAtOrBeneath(_ folder: MountedPlace) -> Bool {
        guard device == folder.device, path.starts(with: folder.path) else { return false }
        let slash = UInt8(ascii: "/")
        return path.count == folder.path.count || folder.path.last == slash || path[folder.path.count] == slash
    }

    /// The line of the mount: `36 35 98:0 /root /mountpoint options …`, with blanks as `\040`.
    static func place(of path: [UInt8], mount: UInt64, table: [UInt8]) -> MountedPlace? {
        for line in table.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count > 5, fields[0].elementsEqual("\(mount)".utf8) else { continue }
            let (root, point) = (unescaped(fields[3]), unescaped(fields[4]))
            let begin = point == [UInt8(ascii: "/")] ? [] : point
            guard path.starts(with: begin) else { return nil }
            let rest = path.dropFirst(begin.count)
            guard rest.isEmpty || rest.first == UInt8(ascii: "/") else { return nil }
            let whole = (root == [UInt8(ascii: "/")] ? [] : root) + rest
            return MountedPlace(
                device: String(decoding: fields[2], as: UTF8.self), path: whole.isEmpty ? [UInt8(ascii: "/")] : whole)
        }
        return nil
    }

    /// Undoes the octal escapes of blanks, tabs, newlines and backslashes.
    private static func unescaped(_ field: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(field)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}
