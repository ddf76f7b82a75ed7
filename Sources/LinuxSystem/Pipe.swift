internal import CLinux
internal import Glibc
public import SystemPackage

/// Both ends of a pipe (pipe2(2)), closed in children unless handed to them.
public struct Pipe: ~Copyable {
    /// What is written into ``writeEnd`` is read here.
    public let readEnd: FileDescriptor
    /// The end to write into.
    public let writeEnd: FileDescriptor
    private var isReadEndOpen = true
    private var isWriteEndOpen = true

    /// A new pipe.
    public init() throws(SystemCallError) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) {
            unsafe nodeguard_pipe($0.assumingMemoryBound(to: Int32.self).baseAddress!)
        }
        guard result == 0 else { throw SystemCallError("pipe2", "make a pipe", errno: .current) }
        readEnd = FileDescriptor(rawValue: ends.0)
        writeEnd = FileDescriptor(rawValue: ends.1)
    }

    /// Closes the end to read from: a child has its own now.
    public mutating func closeReadEnd() {
        if isReadEndOpen { try? readEnd.close() }
        isReadEndOpen = false
    }

    /// Closes the end to write into: a reader sees the end once nobody holds one.
    public mutating func closeWriteEnd() {
        if isWriteEndOpen { try? writeEnd.close() }
        isWriteEndOpen = false
    }

    deinit {
        if isReadEndOpen { try? readEnd.close() }
        if isWriteEndOpen { try? writeEnd.close() }
    }
}

/// What can be read now, at most 64 KiB; empty at the end.
public func readSome(_ file: FileDescriptor) throws(Errno) -> [UInt8] {
    var errno: Errno?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65536) { (buffer, count) in
        do {
            count = unsafe try file.read(into: UnsafeMutableRawBufferPointer(buffer))
        } catch {
            errno = error as? Errno ?? .ioError
        }
    }
    if let errno { throw errno }
    return bytes
}

/// Everything up to the end.
public func readToEnd(_ file: FileDescriptor) throws(Errno) -> [UInt8] {
    var all: [UInt8] = []
    while true {
        let bytes = try readSome(file)
        if bytes.isEmpty { return all }
        all += bytes
    }
}
