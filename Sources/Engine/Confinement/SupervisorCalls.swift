internal import Glibc
internal import Sandbox

extension SystemCallFilter {
    /// What the engine needs once the signatures are loaded: fork workers, wait for their end, clear their slots, talk to
    /// the session. A worker begins inside this list and narrows it, so what it confines itself with is here too.
    static func supervisor() -> SystemCallFilter {
        // CLONE_VM and every CLONE_NEW* of <linux/sched.h>: processes, but no threads and no namespaces.
        let noFork: UInt64 = 0x7E02_0100
        return SystemCallFilter(
            rules: worker().rules.filter { !supervisors.contains($0.call) } + [
                .allow("recvmsg"), .allow("sendmsg"), .allow("poll"), .allow("ppoll"),
                .allow("socketpair", .equal(argument: 0, UInt64(AF_UNIX))),
                // Workers.
                .allow("clone", .without(argument: 0, noFork)), .allow("fork"),
                // Its flags are out of a filter's sight; glibc falls back to clone.
                .refuse("clone3", ENOSYS),
                .allow("wait4"), .allow("waitid"), .allow("pidfd_open"), .allow("kill"), .allow("tgkill"),
                // Their slots.
                .allow("chdir"),
                // How a worker begins.
                .allow("set_robust_list"), .allow("rseq"), .allow("getppid"),
                .allow("prctl"), .allow("dup2"), .allow("dup3"), .allow("close_range"),
                .allow("prlimit64"), .allow("setrlimit"), .allow("seccomp"),
                .allow("landlock_create_ruleset"), .allow("landlock_add_rule"), .allow("landlock_restrict_self"),
            ])
    }

    /// Calls that the worker's list ties to a worker.
    private static let supervisors: Set = ["recvmsg", "sendmsg", "tgkill"]
}
