import Glibc
public import LinuxSystem
public import SystemPackage

/// Where a person's will is kept: the forced closing on disk, so that it outlives reboots and upgrades; the break
/// glass under /run, so that it does not.
public struct OverrideStore: Sendable {
    private let closed: FilePath
    private let open: FilePath

    /// - Parameters:
    ///   - state: `paths.state`, on disk.
    ///   - runtime: `paths.runtime`, gone after a reboot.
    public init(state: FilePath, runtime: FilePath) {
        closed = state.appending("gate-closed")
        open = runtime.appending("gate-open")
    }

    /// Where a change of it can be seen.
    var folders: [FilePath] { [closed.removingLastComponent(), open.removingLastComponent()] }

    /// The longest that the glass may stay broken.
    public static let longestOpening = Duration.seconds(24 * 3600)

    /// What is in force now.
    ///
    /// A forced closing that cannot be read is a forced closing. A break glass that cannot be read, is of another boot
    /// or has no end within ``longestOpening``, is none.
    public func current() -> GateOverrideState {
        switch contents(closed) {
        case .missing: break
        case .text(let text): return .forcedShut(reason: text.isEmpty ? "no reason was given" : text)
        case .unreadable(let reason): return .forcedShut(reason: "\(closed) cannot be read (\(reason))")
        }
        guard case .text(let text) = contents(open) else { return .automatic }
        // Boot, end in nanoseconds since boot, reason: a line each.
        let lines = text.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
        guard lines.count == 3, String(lines[0]) == Self.boot(), let end = Int64(lines[1]) else { return .automatic }
        let left = Duration.nanoseconds(end) - Self.sinceBoot()
        guard left > .zero, left <= Self.longestOpening else { return .automatic }
        return .breakGlass(until: .now.advanced(by: left), reason: String(lines[2]))
    }

    /// Forces the gate shut until ``resume()``.
    public func close(reason: String) throws(SystemCallError) {
        try replaceFile(at: closed, with: Array(reason.utf8), permissions: [.ownerReadWrite])
        try remove(open)
    }

    /// Opens it for a time, whatever the posture. Does not undo a forced closing.
    public func breakGlass(for duration: Duration, reason: String) throws(SystemCallError) {
        let (seconds, attoseconds) = (Self.sinceBoot() + min(duration, Self.longestOpening)).components
        let end = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        let line = reason.split(separator: "\n").joined(separator: " ")
        try replaceFile(
            at: open, with: Array("\(Self.boot())\n\(end)\n\(line)".utf8), permissions: [.ownerReadWrite])
    }

    /// Goes back to automatic.
    public func resume() throws(SystemCallError) {
        try remove(open)
        try remove(closed)
    }

    private func remove(_ path: FilePath) throws(SystemCallError) {
        guard unsafe path.withPlatformString({ unsafe unlink($0) }) == 0 || errno == ENOENT else {
            throw SystemCallError("unlink", "remove", printable(path), errno: Errno(rawValue: errno))
        }
    }

    private enum Contents {
        case missing
        case text(String)
        case unreadable(String)
    }

    private func contents(_ path: FilePath) -> Contents {
        do {
            let file = OwnedDescriptor(
                owning: try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow, .nonBlocking]))
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.descriptor.read(into: $0) }
            return .text(String(decoding: bytes[..<count], as: UTF8.self))
        } catch Errno.noSuchFileOrDirectory {
            return .missing
        } catch {
            return .unreadable("\(error)")
        }
    }

    /// The kernel's name for this boot.
    private static func boot() -> String {
        let bootID: FilePath = "/proc/sys/kernel/random/boot_id"
        var bytes = [UInt8](repeating: 0, count: 64)
        guard let file = try? FileDescriptor.open(bootID, .readOnly, options: .closeOnExec)
        else { return "unknown" }
        let owned = OwnedDescriptor(owning: file)
        let count = (try? unsafe bytes.withUnsafeMutableBytes { try unsafe owned.descriptor.read(into: $0) }) ?? 0
        return String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// CLOCK_BOOTTIME: goes on while the machine sleeps, and cannot be set.
    private static func sinceBoot() -> Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
