internal import CLinux
internal import Glibc
internal import SystemPackage

/// Signals taken as something to read (signalfd(2)) instead of by a handler that may do almost nothing.
public struct SignalDescriptor: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// From now on these signals of the whole process wait here. To be called before any other thread starts.
    ///
    /// A signal that is ignored stays ignored: nohup(1), or a shell that starts something in the background, wants so.
    public init(_ signals: [Int32]) throws(SystemCallError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals where nodeguard_is_ignored(signal) == 0 { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        let result = unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
        guard result >= 0 else { throw SystemCallError("signalfd", "wait for signals", errno: .current) }
        descriptor = OwnedDescriptor(owning: FileDescriptor(rawValue: result))
    }

    /// For poll(2): readable when a signal came.
    public var rawValue: Int32 { descriptor.rawValue }

    /// The next signal that came, or nil.
    public func next() -> Int32? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        let count = unsafe withUnsafeMutableBytes(of: &info) { unsafe read(descriptor.rawValue, $0.baseAddress!, size) }
        return count == size ? Int32(info.ssi_signo) : nil
    }
}
