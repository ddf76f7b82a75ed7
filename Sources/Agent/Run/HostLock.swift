internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Another agent is at work on this host.
struct AnotherAgent: Error, CustomStringConvertible {
    let lock: FilePath
    /// Its process, as far as it is known and of this process's own kind of numbers: in a container they are others.
    let process: String?

    var description: String {
        let who = process.map { ", process \($0) as that one counts" } ?? ""
        return "another nodeguard runs on this host\(who): it holds \(printable(lock)); stop it first (systemctl stop "
            + "nodeguard, or take this node out of the DaemonSet), or give this one a state folder of its own (paths.state)"
    }
}

/// One agent a state folder: a lock that the kernel takes back when its holder ends, however it ends (flock(2)). It works
/// between the host and a container that has the same folder.
final class HostLock {
    private let file: OwnedDescriptor

    /// Takes the lock.
    ///
    /// - Throws: ``AnotherAgent``, or ``SystemCallError`` where the folder cannot be used.
    init(state: FilePath) throws {
        let path = state.appending("lock")
        file = try Self.open(path)
        guard try FolderEntries.lock(file) else {
            let bytes = (try? readSome(file.descriptor)) ?? []
            let text = printable(bytes.prefix(20).prefix { $0 != UInt8(ascii: "\n") })
            throw AnotherAgent(lock: path, process: text.isEmpty ? nil : text)
        }
        // Who holds it, for whoever wants to know. The lock is what counts.
        guard let note = try? FileDescriptor.open(path, .writeOnly, options: [.truncate, .closeOnExec, .noFollow])
        else { return }
        _ = try? note.closeAfter { try note.writeAll("\(getpid())\n".utf8) }
    }

    /// A lock needs no right to write (flock(2)), and a machine that starts with a disk that is full or read-only needs its
    /// gate all the same: where no file can be made, the folder takes its place.
    private static func open(_ path: FilePath) throws(SystemCallError) -> OwnedDescriptor {
        do {
            do {
                return OwnedDescriptor(
                    owning: try FileDescriptor.open(
                        path, .readOnly, options: [.create, .closeOnExec, .noFollow], permissions: .ownerReadWrite))
            } catch let error as Errno where [.readOnlyFileSystem, .noSpace, .diskQuotaExceeded].contains(error) {
                return try Opening.readable(Opening.start(at: path.removingLastComponent()))
            }
        } catch {
            throw SystemCallError("open", "make the lock", printable(path), errno: error as? Errno ?? .ioError)
        }
    }
}
