import CTestSupport
import Glibc
import Synchronization
public import SystemPackage

/// A mounted folder of files that misbehave in exactly the way they are told to, at exactly the moment: a server of the
/// kernel's FUSE protocol (<linux/fuse.h>, fuse(4)) on a thread of the test. Needs root and /dev/fuse.
public final class StrangeFiles: Sendable {
    /// One file, read-only, directly in the folder.
    public struct File: Sendable {
        /// What is wrong with it.
        public enum Strangeness: Equatable, Sendable {
            /// Nothing.
            case none
            /// Reading from this offset on fails with EIO.
            case failsToRead(from: Int)
            /// Reading from this offset on gets no answer until ``StrangeFiles/answer()``. A reader that waits for it can be
            /// killed.
            case stalls(from: Int)
            /// The same, and the reader cannot even be killed (state D), as with a server or disk that is gone.
            case stallsUnkillably(from: Int)
            /// It is one byte longer after each read, and its times stay as they were.
            case grows
            /// Its content changes with the first read, and the time of that is put back: only ctime tells.
            case changesOnce(to: [UInt8])
            /// It changes with each read, and only ctime tells.
            case changesAlways
            /// It is listed, and gone when it is looked for.
            case isGoneWhenLookedFor
            /// It is listed and found, and gone when it is opened.
            case isGoneWhenOpened
            /// It is found, but opening it fails with EIO.
            case failsToOpen
        }

        let name: String
        let content: [UInt8]
        let strangeness: Strangeness

        /// A file with this content.
        public init(_ name: String, _ content: [UInt8], _ strangeness: Strangeness = .none) {
            self.name = name
            self.content = content
            self.strangeness = strangeness
        }
    }

    /// Where they are.
    public var path: FilePath { mounted.path }

    private let mounted: MountedFolder
    private let server: FuseServer
    private let stop: FileDescriptor
    private let thread: BackgroundThreadBox

    /// Mounts the files at a folder that is made where it is missing.
    ///
    /// - Parameter listingFails: whether reading the folder fails with EIO behind the last file.
    public init(at path: FilePath, _ files: [File], listingFails: Bool = false) throws {
        let device = try FileDescriptor.open(
            FilePath("/dev/fuse"), .readWrite, options: [.closeOnExec, .nonBlocking])
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else {
            throw ProgramFailure(description: "pipe2: \(Errno(rawValue: errno))")
        }
        stop = FileDescriptor(rawValue: ends[1])
        server = FuseServer(
            device: device, stop: FileDescriptor(rawValue: ends[0]), files: files, listingFails: listingFails)
        mounted = try MountedFolder(
            at: path, type: "fuse",
            options: "fd=\(device.rawValue),rootmode=40755,user_id=0,group_id=0,allow_other")
        let server = server
        thread = try BackgroundThreadBox { server.run() }
    }

    /// Waits until somebody reads what gets no answer.
    public func waitForStalledRead() throws {
        let _: Bool = try waitFor("a read of the file that stalls") { server.isStalled ? true : nil }
    }

    /// From now on every read is answered, those that wait too.
    public func answer() { server.answerAll() }

    deinit {
        // The server goes first: the kernel then ends whatever still waits for it.
        try? stop.close()
        thread.join()
    }
}

/// So that a thread can be kept by what is shared between threads.
private final class BackgroundThreadBox: @unchecked Sendable {
    private let thread: BackgroundThread
    init(_ body: @escaping @Sendable () -> Void) throws { thread = try BackgroundThread(body) }
    func join() { thread.join() }
}

/// Answers the kernel's questions, one after the other.
private final class FuseServer: Sendable {
    private let device: FileDescriptor
    private let stop: FileDescriptor
    private let files: [StrangeFiles.File]
    private let listingFails: Bool
    private let state = Mutex(State())

    private struct State {
        var stalled: [(unique: UInt64, file: Int, offset: Int, size: Int)] = []
        var answersAll = false
        /// How often each file has changed.
        var versions: [Int: UInt64] = [:]
    }

    init(device: FileDescriptor, stop: FileDescriptor, files: [StrangeFiles.File], listingFails: Bool) {
        self.device = device
        self.stop = stop
        self.files = files
        self.listingFails = listingFails
    }

    var isStalled: Bool { state.withLock { !$0.stalled.isEmpty } }

    func answerAll() {
        let waiting = state.withLock { state in
            state.answersAll = true
            defer { state.stalled = [] }
            return state.stalled
        }
        for read in waiting { reply(read.unique, bytes(of: read.file, read.offset, read.size)) }
    }

    func run() {
        defer {
            try? device.close()
            try? stop.close()
        }
        // At least FUSE_MIN_READ_BUFFER, and room for the largest request that INIT allowed.
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            var watched = [
                pollfd(fd: device.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            _ = unsafe poll(&watched, 2, -1)
            if watched[1].revents != 0 { return }
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(device.rawValue, $0.baseAddress!, $0.count)
            }
            if count < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOENT) { continue }
            // ENODEV: unmounted.
            guard count >= 40 else { return }
            answer(Array(buffer[..<count]))
        }
    }

    private func answer(_ request: [UInt8]) {
        func number(_ offset: Int, _ size: Int) -> UInt64 {
            (0..<size).reduce(0) { $0 | UInt64(request[offset + $1]) << (8 * UInt64($1)) }
        }
        let unique = number(8, 8)
        let node = Int(number(16, 8))
        // struct fuse_in_header is 40 bytes.
        switch number(4, 4) {
        case 26:  // INIT: protocol 7.31, reads in the background (FUSE_ASYNC_READ)
            var out = Reply()
            out.put32(7, 31, UInt32(number(48, 4)), 1)
            out.put16(16, 12)
            out.put32(131072, 1)
            out.put16(32, 0)
            out.put32(0, 0, 0, 0, 0, 0, 0, 0)
            reply(unique, out.bytes)
        case 1: lookUp(unique, request[40...].prefix { $0 != 0 })
        case 3:  // GETATTR
            var out = Reply()
            out.put64(0)
            out.put32(0, 0)
            putAttributes(node, into: &out)
            reply(unique, out.bytes)
        case 14: open(unique, node)
        case 15: read(unique, node, Int(number(48, 8)), Int(number(56, 4)))
        case 27, 25, 18, 29:  // OPENDIR, FLUSH, RELEASE, RELEASEDIR
            reply(unique, number(4, 4) == 27 ? [UInt8](repeating: 0, count: 16) : [])
        case 28: list(unique, Int(number(48, 8)))
        case 17:  // STATFS
            reply(unique, [UInt8](repeating: 0, count: 80))
        case 2, 42, 36: break  // FORGET, BATCH_FORGET, INTERRUPT want no answer
        default: reply(unique, error: ENOSYS)
        }
    }

    // Node 1 is the folder; a file's node is its place in the list + 2.

    private func lookUp(_ unique: UInt64, _ name: ArraySlice<UInt8>) {
        guard let index = files.firstIndex(where: { name.elementsEqual($0.name.utf8) }),
            files[index].strangeness != .isGoneWhenLookedFor
        else { return reply(unique, error: ENOENT) }
        var out = Reply()
        out.put64(UInt64(index + 2), 0, 0, 0)
        out.put32(0, 0)
        putAttributes(index + 2, into: &out)
        reply(unique, out.bytes)
    }

    private func putAttributes(_ node: Int, into out: inout Reply) {
        let isFolder = node == 1
        let version = state.withLock { $0.versions[node - 2] ?? 0 }
        let size = isFolder ? 0 : content(of: node - 2).count
        // ino size blocks atime mtime ctime, their nanoseconds, mode nlink uid gid rdev blksize flags
        out.put64(UInt64(node), UInt64(size), UInt64((size + 511) / 512), 1_700_000_000, 1_700_000_000, 1_700_000_000)
        out.put32(0, 0, isGrowing(node - 2) ? 0 : UInt32(version))
        out.put32(isFolder ? 0o040755 : 0o100644, 1, 0, 0, 0, 4096, 0)
    }

    private func isGrowing(_ file: Int) -> Bool {
        files.indices.contains(file) && files[file].strangeness == .grows
    }

    private func open(_ unique: UInt64, _ node: Int) {
        var out = Reply()
        out.put64(0)
        switch files[node - 2].strangeness {
        case .isGoneWhenOpened: return reply(unique, error: ENOENT)
        case .failsToOpen: return reply(unique, error: EIO)
        // Through the page cache, in the background: a reader waits in a way in which it can be killed.
        case .stalls: out.put32(0, 0)
        // FOPEN_DIRECT_IO: every read is a question to this server, and waits for its answer come what may.
        default: out.put32(1, 0)
        }
        reply(unique, out.bytes)
    }

    private func read(_ unique: UInt64, _ node: Int, _ offset: Int, _ size: Int) {
        let file = node - 2
        switch files[file].strangeness {
        case .failsToRead(let from):
            if offset >= from { return reply(unique, error: EIO) }
            return reply(unique, bytes(of: file, offset, min(size, from - offset)))
        case .stalls(let from), .stallsUnkillably(let from):
            let mustWait = state.withLock { state in
                guard offset + size > from, !state.answersAll else { return false }
                state.stalled.append((unique, file, offset, size))
                return true
            }
            if mustWait { return }
        case .changesOnce:
            // After this answer: the first read still sees the old content.
            let old = bytes(of: file, offset, size)
            state.withLock { $0.versions[file] = 1 }
            return reply(unique, old)
        case .grows, .changesAlways: state.withLock { $0.versions[file, default: 0] += 1 }
        default: break
        }
        reply(unique, bytes(of: file, offset, size))
    }

    private func content(of file: Int) -> [UInt8] {
        let version = state.withLock { $0.versions[file] ?? 0 }
        switch files[file].strangeness {
        case .changesOnce(let next) where version > 0: return next
        case .grows: return files[file].content + [UInt8](repeating: 0, count: Int(version))
        default: return files[file].content
        }
    }

    private func bytes(of file: Int, _ offset: Int, _ size: Int) -> [UInt8] {
        Array(content(of: file).dropFirst(offset).prefix(size))
    }

    private func list(_ unique: UInt64, _ offset: Int) {
        if offset >= files.count && listingFails { return reply(unique, error: EIO) }
        var out = Reply()
        for (index, file) in files.enumerated().dropFirst(offset) where out.bytes.count < 3500 {
            out.put64(UInt64(index + 2), UInt64(index + 1))
            // DT_UNKNOWN, as some file systems answer: the walk has to ask.
            out.put32(UInt32(file.name.utf8.count), 0)
            out.bytes += file.name.utf8
            out.bytes += [UInt8](repeating: 0, count: (8 - out.bytes.count % 8) % 8)
        }
        reply(unique, out.bytes)
    }

    private func reply(_ unique: UInt64, _ bytes: [UInt8] = [], error: Int32 = 0) {
        var out = Reply()
        out.put32(UInt32(16 + bytes.count), UInt32(bitPattern: -error))
        out.put64(unique)
        out.bytes += bytes
        // ENOENT: who asked was interrupted in the meantime.
        _ = unsafe out.bytes.withUnsafeBytes { unsafe Glibc.write(device.rawValue, $0.baseAddress!, $0.count) }
    }
}

/// The structures of <linux/fuse.h>: integers of the machine's own order, which is little-endian here.
private struct Reply {
    var bytes: [UInt8] = []

    mutating func put16(_ values: UInt16...) { for value in values { put(value) } }
    mutating func put32(_ values: UInt32...) { for value in values { put(value) } }
    mutating func put64(_ values: UInt64...) { for value in values { put(value) } }

    private mutating func put(_ value: some FixedWidthInteger) {
        for byte in 0..<(value.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
}
