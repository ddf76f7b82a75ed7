internal import LinuxSystem
internal import SystemPackage

/// The end of a regular file, or all of one that is shorter; links are followed.
///
/// - Throws: the kernel's answer, and EINVAL for anything else than a regular file: nothing waits for a FIFO.
func readEnd(of path: FilePath, atMost length: Int64) throws(Errno) -> [UInt8] {
    let place = try Opening.start(at: path)
    let status = try FileStatus.of(place)
    guard status.kind == .regular else { throw .invalidArgument }
    let file = try Opening.readable(place)
    let skipped = Int64(clamping: status.size) - length
    if skipped > 0 {
        do { try file.descriptor.seek(offset: skipped, from: .start) } catch { throw error as? Errno ?? .ioError }
    }
    return try readToEnd(file.descriptor)
}

/// The beginning of a regular file; links are followed.
func readBeginning(of path: FilePath, atMost length: Int) throws(Errno) -> [UInt8] {
    let place = try Opening.start(at: path)
    guard try FileStatus.of(place).kind == .regular else { throw .invalidArgument }
    let file = try Opening.readable(place)
    return try Array(readSome(file.descriptor).prefix(length))
}
