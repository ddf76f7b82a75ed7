public import SystemPackage

/// A file descriptor with exactly one owner, closed when the owner ends.
///
/// It cannot be copied, so it cannot be closed twice or used after it was closed. What only wants to look
/// borrows it; what keeps it consumes it.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The descriptor, for calls that do not keep it.
    public let descriptor: FileDescriptor

    /// Takes over a descriptor that nothing else will close.
    public init(owning descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    deinit {
        // A failed close(2) on Linux has closed the descriptor all the same, and nobody is left to tell.
        try? descriptor.close()
    }

    /// The number, for C calls.
    public var rawValue: Int32 { descriptor.rawValue }

    /// Gives the descriptor away without closing it.
    public consuming func release() -> FileDescriptor {
        let given = descriptor
        discard self
        return given
    }
}
