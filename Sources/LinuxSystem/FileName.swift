/// The name of one entry of a folder: any bytes but NUL and `/`, as the kernel gave them.
public struct FileName: Hashable, Sendable {
    /// The bytes with the NUL that C calls want behind them.
    private let terminated: [UInt8]

    static let empty = FileName(terminated: [0])

    /// The name of the folder above.
    public static let parent = FileName(terminated: [0x2e, 0x2e, 0])

    /// A name from bytes; nil for what cannot be the name of an entry (empty, or with a NUL or `/` in it).
    public init?(_ bytes: some Sequence<UInt8>) {
        var terminated = Array(bytes)
        guard !terminated.isEmpty, !terminated.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }) else {
            return nil
        }
        terminated.append(0)
        self.terminated = terminated
    }

    /// A name that the kernel gave, with its NUL.
    init(terminated: [UInt8]) {
        self.terminated = terminated
    }

    /// The bytes of the name.
    public var bytes: ArraySlice<UInt8> { terminated.dropLast() }

    /// Calls `body` with the name as a C string, valid only during the call.
    func withCString<Result, Failure: Error>(
        _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe terminated.withUnsafeBufferPointer { (buffer) throws(Failure) in
            let pointer = unsafe UnsafeRawPointer(buffer.baseAddress!)
            return try unsafe body(pointer.assumingMemoryBound(to: CChar.self))
        }
    }
}
