internal import CLinux
internal import SystemPackage

/// What the kernel knows of its own clock (adjtimex(2)), which an NTP program tells it.
public struct KernelClock: Equatable, Sendable {
    /// Whether a program keeps it in step with others: STA_UNSYNC (0x40) is not set. The kernel sets that by itself when
    /// nobody has corrected the clock for long.
    public var isSynchronised: Bool
    /// How far off it is at most, as that program says, in microseconds.
    public var largestErrorMicroseconds: Int

    /// A clock that is so.
    public init(isSynchronised: Bool, largestErrorMicroseconds: Int) {
        self.isSynchronised = isSynchronised
        self.largestErrorMicroseconds = largestErrorMicroseconds
    }

    /// The clock of this machine.
    public static func now() throws(SystemCallError) -> KernelClock {
        var status: Int32 = 0
        var error: Int = 0
        let state = unsafe nodeguard_clock_state(&status, &error)
        guard state >= 0 else { throw SystemCallError("adjtimex", "ask for the state of the clock", errno: .current) }
        // TIME_ERROR (5) says the same as the flag, or that the clock is otherwise not to be relied on.
        return KernelClock(isSynchronised: state != 5 && status & 0x40 == 0, largestErrorMicroseconds: error)
    }
}
