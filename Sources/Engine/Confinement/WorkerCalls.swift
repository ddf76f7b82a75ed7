internal import Glibc
internal import Sandbox

extension SystemCallFilter {
    /// What a worker needs to look at a file that it was handed: read it, unpack into its slot, compute, answer.
    ///
    /// Not on it, among others: every way to make a socket, start or signal another process, execute, map memory that
    /// can be executed, rename, link, or change owners. The order is that of a look.
    static func worker() -> SystemCallFilter {
        let ownProcess = UInt64(getpid())
        // fdopen(3) asks how a file is open. F_SETOWN, which makes the kernel send signals, is not among them.
        let questions = [F_GETFD, F_SETFD, F_GETFL, F_SETFL].map {
            Rule.allow("fcntl", .equal(argument: 1, UInt64($0)))
        }
        return SystemCallFilter(
            // libclamav's bytecode is interpreted: no memory needs to be executable.
            rules: Rule.memory() + questions + [
                // The socket is descriptor 3; it has no other.
                .allow("recvmsg", .equal(argument: 0, 3)),
                .allow("sendmsg", .equal(argument: 0, 3)),
                // The file, and what libclamav unpacks of it. Landlock says where.
                .allow("openat"), .allow("openat2"), .allow("open"), .allow("close"),
                .allow("read"), .allow("pread64"), .allow("lseek"), .allow("write"), .allow("ftruncate"),
                .allow("fstat"), .allow("newfstatat"), .allow("stat"), .allow("lstat"), .allow("statx"),
                .allow("statfs"), .allow("fstatfs"),
                .allow("mkdir"), .allow("mkdirat"), .allow("rmdir"), .allow("unlink"), .allow("unlinkat"),
                .allow("chmod"), .allow("fchmodat"), .allow("getdents64"),
                .allow("access"), .allow("faccessat"), .allow("faccessat2"), .allow("getcwd"), .allow("dup"),
                // Time, locks, randomness for hash tables, the process's own end.
                .allow("clock_gettime"), .allow("gettimeofday"), .allow("time"), .allow("nanosleep"),
                .allow("clock_nanosleep"), .allow("sched_yield"), .allow("futex"), .allow("getrandom"),
                // 2: ITIMER_PROF, the CPU time of a look.
                .allow("setitimer", .equal(argument: 0, 2)),
                .allow("getpid"), .allow("gettid"),
                .allow("rt_sigaction"), .allow("rt_sigprocmask"), .allow("rt_sigreturn"),
                // abort(3): a signal to nobody but itself.
                .allow("tgkill", .equal(argument: 0, ownProcess)),
                .allow("exit"), .allow("exit_group"),
                // libraries ask whether a file is a terminal, and can live with no answer.
                .refuse("ioctl", ENOTTY),
            ])
    }
}
