internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// `nodeguard status-listener`: the process that tells over HTTP whether the gate is open. Started by the agent only.
///
/// The fear: a client of the network that takes it over by what it sends. Then it must be worth nothing: it can read one
/// pipe, in which nothing is secret, and answer connections, and all it can do is lie about the gate.
public enum StatusListenerProcess {
    /// What it is started with; in the end it has the first and the last only. The one that listens is where a mistake of
    /// the runtime's would be written: it takes no bytes, a client's connection would.
    static let pipe = FileDescriptor.standardInput
    static let failures = FileDescriptor.standardOutput
    static let listener = FileDescriptor.standardError

    /// Serves until the agent is gone. Why it could not is on ``failures``, which it closes once it is confined.
    public static func serve() -> Never {
        do {
            try beginConfining()
            let listening = try StreamListener(owning: listener)
            guard fcntl(pipe.rawValue, F_SETFL, O_NONBLOCK) == 0 else {
                throw SystemCallError("fcntl", "prepare the pipe of the agent", errno: .current)
            }
            var loop = ListenerLoop(pipe: pipe, listener: listening)
            try finishConfining()
            try loop.run()
            _exit(0)
        } catch {
            _ = try? failures.writeAll("\(error)\n".utf8)
            _exit(1)
        }
    }

    /// The rights of a process, its user and its files.
    private static func beginConfining() throws(ConfinementError) {
        dieWithParent()
        try giveUpGainingRights()
        clearenv()
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS] { signal(number, SIG_DFL) }
        try closeDescriptors(from: 3)
        try limit(Int32(RLIMIT_CORE.rawValue), 0, "core dumps")
        // The pipe, the socket, the connections, and one that takes the place of another.
        try limit(Int32(RLIMIT_NOFILE.rawValue), UInt64(3 + ListenerLoop.mostConnections), "open files")
        try limit(Int32(RLIMIT_FSIZE.rawValue), 0, "the size of files")
        try limitToItself()
        try Capabilities.dropBounding()
        if geteuid() == 0 || getuid() == 0 {
            try UserChange.become(
                user: UserChange.nobody, group: UserChange.nobody,
                remedy: "nodeguard needs CAP_SETUID and CAP_SETGID to start its status listener as another user")
        }
        try Capabilities.keepOnly(0)
        try Capabilities.dropAll()
        // The kernel forgets both when the user changes (prctl(2)).
        dieWithParent()
        try forbidTracing()
    }

    /// The last walls, behind which nothing can be opened or told any more.
    private static func finishConfining() throws(ConfinementError) {
        try Landlock.supported()?.enter(reading: [], writing: [])
        guard SystemCallFilter.isSupported else { throw ConfinementError("this kernel has no seccomp filters") }
        try SystemCallFilter.statusListener().enter()
        // Last: that it is closed tells the agent that all walls are up.
        close(failures.rawValue)
    }
}
