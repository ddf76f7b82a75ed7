internal import Glibc
public import LinuxSystem
public import SystemPackage

/// The files of a host, below a folder that stands for its `/`: what setup and doctor read. Nothing is ever written.
public struct HostFiles: Sendable {
    /// What stands for `/`.
    public let root: FilePath

    /// The files below `root`.
    public init(root: FilePath = "/") {
        self.root = root
    }

    /// Whether this is the machine itself, which can also be asked by system calls.
    public var isThisMachine: Bool { root == "/" }

    /// What became of reading something.
    public enum Reading<Value: Equatable & Sendable>: Equatable, Sendable {
        /// What is there.
        case found(Value)
        /// There is nothing of that name.
        case missing
        /// It is there and cannot be read.
        case unreadable(Errno)

        /// Whether it is there and cannot be read.
        public var isUnreadable: Bool {
            if case .unreadable = self { true } else { false }
        }

        /// What is there, or nil.
        public var value: Value? {
            if case .found(let value) = self { value } else { nil }
        }
    }

    /// Where a path of the host is, seen from here.
    public func path(_ path: String) -> FilePath { root.pushing(FilePath(path).removingRoot()) }

    /// The first bytes of a file, 1 MiB at most. Never waits for a FIFO.
    public func bytes(_ path: String, limit: Int = 1 << 20) -> Reading<[UInt8]> {
        do {
            let file = OwnedDescriptor(
                owning: try FileDescriptor.open(self.path(path), .readOnly, options: [.closeOnExec, .nonBlocking]))
            var all: [UInt8] = []
            while all.count < limit {
                let more = try readSome(file.descriptor)
                if more.isEmpty { break }
                all += more
            }
            return .found(Array(all.prefix(limit)))
        } catch {
            return Self.failure(error)
        }
    }

    /// A file's text, nil where it cannot be read; bytes that are not UTF-8 are replaced.
    public func text(_ path: String) -> String? {
        bytes(path).value.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Its lines.
    public func lines(_ path: String) -> [String] {
        (text(path) ?? "").split(separator: "\n").map(String.init)
    }

    /// The names in a folder, sorted.
    public func names(_ folder: String) -> Reading<[String]> {
        do {
            let opened = try Opening.readable(Opening.start(at: path(folder)))
            var reader = FolderReader()
            var names: [String] = []
            while let entry = try reader.next(of: opened) {
                names.append(String(decoding: entry.name.bytes, as: UTF8.self))
            }
            return .found(names.sorted())
        } catch {
            return Self.failure(error)
        }
    }

    /// Where a symbolic link points.
    public func link(_ path: String) -> Reading<String> {
        do throws(SystemCallError) {
            return .found(String(decoding: try readLink(self.path(path)).bytes, as: UTF8.self))
        } catch {
            return Self.failure(error.errno)
        }
    }

    /// Owner, permissions and size of what a path leads to.
    public func status(_ path: String) -> FileStatus? {
        try? FileStatus.of(Opening.start(at: self.path(path)))
    }

    /// Whether there is anything at this path.
    public func exists(_ path: String) -> Bool { LinuxSystem.exists(self.path(path)) }

    private static func failure<Value>(_ error: any Error) -> Reading<Value> {
        let errno = error as? Errno ?? .ioError
        return errno == .noSuchFileOrDirectory || errno == .notDirectory ? .missing : .unreadable(errno)
    }
}
