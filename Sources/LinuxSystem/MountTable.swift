public import SystemPackage

/// The mounts of this process, as `/proc/self/mountinfo` tells them (proc_pid_mountinfo(5)).
public struct MountTable: Sendable {
    /// One mount.
    public struct Mount: Sendable, Equatable {
        /// Its number, which statx(2) names too.
        public let id: UInt64
        /// The device as `major:minor`.
        public let device: String
        /// The folder of the file system that it shows.
        public let root: FilePath
        /// Where it shows it.
        public let point: FilePath
        /// The file system's type, for example `ext4`.
        public let type: String
        /// The options of the file system, as they were given.
        public let options: [String]
    }

    private let mounts: [UInt64: Mount]

    /// The mounts of this moment; none where they cannot be read.
    public static func current() -> MountTable {
        guard let file = try? unsafe FileDescriptor.open("/proc/self/mountinfo", .readOnly, options: .closeOnExec),
            let bytes = try? file.closeAfter({ try readToEnd(file) })
        else { return MountTable([]) }
        return MountTable(bytes)
    }

    /// Reads the lines of a mountinfo file; a line that is none is left out.
    public init(_ bytes: [UInt8]) {
        var mounts: [UInt64: Mount] = [:]
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 9, let id = UInt64(String(decoding: fields[0], as: UTF8.self)),
                let dash = fields.dropFirst(6).firstIndex(where: { $0.elementsEqual([UInt8(ascii: "-")]) }),
                fields.count > dash + 3
            else { continue }
            mounts[id] = Mount(
                id: id, device: String(decoding: fields[2], as: UTF8.self), root: Self.path(fields[3]),
                point: Self.path(fields[4]), type: String(decoding: fields[dash + 1], as: UTF8.self),
                options: String(decoding: Self.unescaped(fields[dash + 3]), as: UTF8.self).split(separator: ",")
                    .map(String.init))
        }
        self.mounts = mounts
    }

    /// All of them, in the order of their numbers.
    public var all: [Mount] { mounts.values.sorted { $0.id < $1.id } }

    /// The mount with this number, or nil.
    public subscript(id: UInt64) -> Mount? { mounts[id] }

    private static func path(_ field: ArraySlice<UInt8>) -> FilePath { FilePath(bytes: unescaped(field)) }

    /// Space, tab, newline and backslash stand there as `\040` and so on.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                out.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1 - 0x30) }))
                rest.removeFirst(3)
            } else {
                out.append(byte)
            }
        }
        return out
    }
}
