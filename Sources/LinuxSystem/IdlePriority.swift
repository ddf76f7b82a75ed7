internal import CLinux
internal import Glibc
public import SystemPackage

/// The priorities of a process that makes room for others.
public enum IdlePriority {
    /// From now on this thread, and every thread and process it starts, gets a processor only while nobody else of its
    /// control group wants it (`SCHED_IDLE`, sched(7)), and the disk only while nobody else does (ioprio_set(2)).
    ///
    /// The I/O class has an effect with the I/O schedulers bfq and mq-deadline, none with `none`.
    ///
    /// - Returns: what the kernel refused, each as a sentence. Where it refuses `SCHED_IDLE`, nice(2) at its
    ///   weakest takes its place.
    public static func take() -> [String] {
        var refused: [String] = []
        if nodeguard_sched_idle(0) != 0 {
            let error = SystemCallError("sched_setscheduler", "run at idle priority", errno: .current)
            refused.append("\(error); nice 19 takes its place")
            _ = nice(19)
        }
        if nodeguard_ioprio_set(0, nodeguard_ioprio_idle) != 0 {
            refused.append("\(SystemCallError("ioprio_set", "read at idle priority", errno: .current))")
        }
        return refused
    }

    /// From now on this thread, and every thread and process it starts, is weaker than others but never without any
    /// processor: nice 10 (a tenth of a share, sched(7)) and the last of the best-effort I/O levels.
    ///
    /// - Returns: what the kernel refused, each as a sentence.
    public static func yield() -> [String] {
        var refused: [String] = []
        // To be weaker nobody needs a right.
        _ = nice(10)
        if nodeguard_ioprio_set(0, nodeguard_ioprio_low) != 0 {
            refused.append("\(SystemCallError("ioprio_set", "read at low priority", errno: .current))")
        }
        return refused
    }

    /// Whether a process's main thread runs at ``take()``'s priorities.
    ///
    /// - Throws: `noSuchProcess` where there is none.
    public static func isTaken(by process: Int32) throws(Errno) -> Bool {
        let policy = nodeguard_sched_policy(process)
        guard policy >= 0 else { throw Errno.current }
        let priority = nodeguard_ioprio_get(process)
        guard priority >= 0 else { throw Errno.current }
        // 5: SCHED_IDLE of <linux/sched.h>.
        return policy == 5 && priority >> 13 == nodeguard_ioprio_idle >> 13
    }
}
