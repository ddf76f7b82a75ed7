internal import CLinux
internal import Glibc
internal import SystemPackage

/// Wakes another thread out of poll(2) (eventfd(2)). However often it was rung before that thread looks, it wakes once.
public struct Bell: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// A bell that was not rung.
    public init() throws(SystemCallError) {
        let number = nodeguard_bell()
        guard number >= 0 else { throw SystemCallError("eventfd", "make a bell between threads", errno: .current) }
        descriptor = OwnedDescriptor(owning: FileDescriptor(rawValue: number))
    }

    /// For poll(2): readable once it was rung, until ``silence()``.
    public var rawValue: Int32 { descriptor.rawValue }

    /// Rings it; never blocks.
    public func ring() {
        var one: UInt64 = 1
        // A bell that is already rung (EAGAIN) has been rung.
        _ = unsafe write(descriptor.rawValue, &one, 8)
    }

    /// Takes note that it was rung.
    public func silence() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor.rawValue, &count, 8)
    }
}
