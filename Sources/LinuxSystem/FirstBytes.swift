public import SystemPackage

/// The first bytes of a file, `count` at most. Never waits for a FIFO, and follows no symbolic link at its end.
public func firstBytes(of path: FilePath, _ count: Int) throws(Errno) -> [UInt8] {
    do {
        let file = OwnedDescriptor(
            owning: try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking, .noFollow]))
        var bytes: [UInt8] = []
        while bytes.count < count {
            let some = try readSome(file.descriptor)
            if some.isEmpty { break }
            bytes += some
        }
        return Array(bytes.prefix(count))
    } catch {
        throw error as? Errno ?? .ioError
    }
}
