internal import Glibc
internal import Sandbox
internal import SystemPackage

extension SystemCallFilter {
    /// What the status listener needs once it is confined: hear the agent, take connections, read, answer, wait.
    ///
    /// Nothing on it opens a file, makes a socket or connects one, starts or signals a process, or asks who is there. The
    /// numbers of the two descriptors are those of ``StatusListenerProcess``.
    static func statusListener() -> SystemCallFilter {
        SystemCallFilter(
            rules: Rule.memory() + [
                .allow("poll"), .allow("ppoll"),
                // A poll that SIGSTOP and SIGCONT interrupted goes on by this.
                .allow("restart_syscall"),
                .allow("read", .equal(argument: 0, UInt64(StatusListenerProcess.pipe.rawValue))),
                .allow("accept4", .equal(argument: 0, UInt64(StatusListenerProcess.listener.rawValue))),
                .allow("recvfrom"),
                // Never with an address of its own choice.
                .allow("sendto", .equal(argument: 4, 0)),
                .allow("shutdown"), .allow("close"),
                .allow("clock_gettime"), .allow("futex"), .allow("sched_yield"), .allow("getrandom"),
                .allow("rt_sigprocmask"), .allow("rt_sigreturn"),
                .allow("exit_group"),
            ])
    }
}
