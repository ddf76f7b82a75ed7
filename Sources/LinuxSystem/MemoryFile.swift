internal import CLinux
internal import SystemPackage

/// A file without a name that lives in memory (memfd_create(2)), with this content.
public func memoryFile(named name: String, _ content: [UInt8]) throws(SystemCallError) -> OwnedDescriptor {
    // 1: MFD_CLOEXEC
    let descriptor = unsafe name.withCString { unsafe nodeguard_memfd_create($0, 1) }
    guard descriptor >= 0 else { throw SystemCallError("memfd_create", "make a file in memory", name, errno: .current) }
    let file = OwnedDescriptor(owning: FileDescriptor(rawValue: descriptor))
    do {
        try file.descriptor.writeAll(content)
    } catch {
        throw SystemCallError("write", "fill a file in memory", name, errno: error as? Errno ?? .ioError)
    }
    return file
}
