internal import CLinux
internal import Glibc
public import SystemPackage

/// A child process that this process started and will reap.
public struct ChildProcess: ~Copyable, Sendable {
    /// How a process ended.
    public enum Ending: Equatable, Sendable {
        /// It called exit(3) with this status.
        case exited(Int32)
        /// A signal ended it.
        case killed(signal: Int32)

        /// From the status word of waitpid(2).
        public init(waitStatus status: Int32) {
            self =
                nodeguard_exited(status) != 0
                ? .exited(nodeguard_exit_status(status)) : .killed(signal: nodeguard_signal(status))
        }
    }

    /// The environment of a program of this project: Swift's runtime would answer a crash by starting a program that
    /// examines the dying process. That one is to be gone, and with it the descriptors that others wait for; and what has
    /// read a hostile file starts nothing.
    public static let bareEnvironment = ["SWIFT_BACKTRACE=enable=no"]

    /// The process's number.
    public let id: Int32
    private var reaped = false

    /// Starts a program in a process group of its own, so that an interrupt typed at the terminal reaches only its
    /// parent, which ends it in good order. It inherits exactly the descriptors listed, and the environment given and no other.
    ///
    /// - Parameters:
    ///   - program: the executable; no search path is consulted.
    ///   - arguments: what follows the program's name.
    ///   - environment: `NAME=value` each.
    ///   - descriptors: the descriptor that shall have the number 0, 1, 2, … in the child, in this order; nil
    ///     leaves `/dev/null` there.
    /// - Throws: where it could not be started, for example because the program is not there.
    public init(
        program: FilePath, arguments: [String], environment: [String] = [], descriptors: [FileDescriptor?]
    ) throws(SystemCallError) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // First out of the way of the numbers that are about to be given out, then into place: a descriptor
        // may be wanted at a number that another of the list has now.
        let base = Int32(descriptors.count) + (descriptors.compactMap { $0?.rawValue }.max() ?? 0) + 1
        // An action that is refused, for a number beyond RLIMIT_NOFILE, is simply missing: the child would talk to whatever
        // has that number here.
        var refusal: Int32 = 0
        for (number, descriptor) in descriptors.enumerated() {
            guard let descriptor, refusal == 0 else { continue }
            refusal = unsafe posix_spawn_file_actions_adddup2(&actions, descriptor.rawValue, base + Int32(number))
        }
        for (number, descriptor) in descriptors.enumerated() where refusal == 0 {
            if descriptor == nil {
                refusal = unsafe posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
            } else {
                refusal = unsafe posix_spawn_file_actions_adddup2(&actions, base + Int32(number), Int32(number))
            }
        }
        if refusal == 0 { refusal = unsafe nodeguard_spawn_close_from(&actions, Int32(descriptors.count)) }
        guard refusal == 0 else {
            let errno = refusal == EBADF ? Errno.tooManyOpenFiles : Errno(rawValue: refusal)
            throw SystemCallError(
                "posix_spawn_file_actions_adddup2", "hand descriptors to", printable(program), errno: errno)
        }

        // The child begins with no signal blocked or ignored, whatever its parent has done.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        let name = unsafe program.withPlatformString { unsafe String(cString: $0) }
        let argv = unsafe ([name] + arguments).map { unsafe strdup($0) } + [nil]
        let envp = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer {
            unsafe argv.forEach { unsafe free($0) }
            unsafe envp.forEach { unsafe free($0) }
        }
        var child: pid_t = 0
        let result = unsafe program.withPlatformString {
            unsafe posix_spawn(&child, $0, &actions, &attributes, argv, envp)
        }
        guard result == 0 else {
            throw SystemCallError("posix_spawn", "start", printable(program), errno: Errno(rawValue: result))
        }
        id = child
    }

    /// Waits for the end and reaps the process.
    public consuming func wait() -> Ending {
        reaped = true
        return Self.reap(id)
    }

    deinit {
        // Nobody waited: the child must not outlive its owner, and no zombie may stay.
        guard !reaped else { return }
        _ = kill(id, SIGKILL)
        _ = Self.reap(id)
    }

    private static func reap(_ id: Int32) -> Ending {
        var status: Int32 = 0
        while true {
            let result = unsafe waitpid(id, &status, 0)
            if result == id { return Ending(waitStatus: status) }
            // Not ours to wait for: somebody reaped it before, which can only be a mistake of this program.
            if Errno.current != .interrupted { return .exited(-1) }
        }
    }

    /// Whether it ends within the time, without reaping it (pidfd_open(2)).
    public func ends(withinMilliseconds milliseconds: Int32) -> Bool {
        let process = nodeguard_pidfd_open(id)
        guard process >= 0 else { return false }
        defer { close(process) }
        return (try? waitUntilReadable([process], milliseconds: milliseconds))?.isEmpty == false
    }

    /// How it ended, if it does within the time. It is left to be reaped.
    public func ending(withinMilliseconds milliseconds: Int32) -> Ending? {
        guard ends(withinMilliseconds: milliseconds) else { return nil }
        let status = nodeguard_peek(id)
        return status < 0 ? nil : Ending(waitStatus: status)
    }

    /// Sends a signal; a process that has ended already is no error.
    public func signal(_ number: Int32) {
        _ = kill(id, number)
    }
}

/// The moment of `CLOCK_MONOTONIC` in nanoseconds: never set back, standing still while the machine sleeps.
public func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
