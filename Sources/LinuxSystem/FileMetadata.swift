internal import CLinux
internal import Glibc
public import SystemPackage

/// Everything about a file that is neither its content nor its name, so that a copy can be given it back: owner, mode,
/// times and extended attributes. POSIX ACLs, capabilities and SELinux labels are extended attributes too (xattr(7)).
public struct FileMetadata: Equatable, Sendable {
    /// One extended attribute, as bytes.
    public struct Attribute: Equatable, Sendable {
        /// Its name with the namespace, `system.posix_acl_access`; at most 255 bytes.
        public var name: [UInt8]
        /// Its value, at most 65536 bytes (xattr(7)).
        public var value: [UInt8]

        /// An attribute.
        public init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// The owner.
    public var user: UInt32
    /// The owning group.
    public var group: UInt32
    /// Permission bits, `0o7777` at most.
    public var permissions: UInt16
    /// When it was last read.
    public var accessed: FileStatus.Time
    /// When its content was last changed.
    public var modified: FileStatus.Time
    /// All extended attributes that this process may see.
    public var attributes: [Attribute]

    /// The parts, as they were kept.
    public init(
        user: UInt32, group: UInt32, permissions: UInt16, accessed: FileStatus.Time, modified: FileStatus.Time,
        attributes: [Attribute]
    ) {
        self.user = user
        self.group = group
        self.permissions = permissions
        self.accessed = accessed
        self.modified = modified
        self.attributes = attributes
    }

    /// Of an open file.
    public init(of file: borrowing OwnedDescriptor) throws(Errno) {
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw Errno.current }
        user = status.st_uid
        group = status.st_gid
        permissions = UInt16(status.st_mode & 0o7777)
        accessed = FileStatus.Time(status.st_atim)
        modified = FileStatus.Time(status.st_mtim)
        attributes = []
        for name in try Self.names(of: file.rawValue) {
            let value = try Self.sized { unsafe fgetxattr(file.rawValue, name, &$0, $0.count) }
            if let value {
                attributes.append(Attribute(name: name.dropLast().map(UInt8.init(bitPattern:)), value: value))
            }
        }
    }

    /// Gives a file of our own all of it, so that it is as the one was of which this was taken; the times last.
    ///
    /// - Throws: which part could not be given. The file is not to be used then.
    public func apply(to file: borrowing OwnedDescriptor) throws(SystemCallError) {
        let number = file.rawValue
        func check(_ result: Int32, _ call: String, _ intent: String) throws(SystemCallError) {
            guard result == 0 else { throw SystemCallError(call, intent, errno: .current) }
        }
        // A new owner takes the set-user-ID bit and capabilities away (chown(2)), so those come after.
        try check(fchown(number, user, group), "fchown", "set the owner \(user):\(group)")
        try removeInheritedList(number)
        try check(fchmod(number, mode_t(permissions)), "fchmod", "set the mode \(String(permissions, radix: 8))")
        for attribute in attributes {
            let name = attribute.name.map(CChar.init(bitPattern:)) + [0]
            let result = unsafe fsetxattr(number, name, attribute.value, attribute.value.count, 0)
            try check(result, "fsetxattr", "set the attribute \(printable(attribute.name))")
        }
        let times = [timespec(accessed), timespec(modified)]
        try check(unsafe futimens(number, times), "futimens", "set the times")
    }

    /// A new file in a folder with a default ACL has an ACL of its own already (acl(5)).
    private func removeInheritedList(_ file: Int32) throws(SystemCallError) {
        let list = "system.posix_acl_access"
        if attributes.contains(where: { $0.name.elementsEqual(list.utf8) }) { return }
        guard unsafe fremovexattr(file, list) != 0 else { return }
        let errno = Errno.current
        guard errno == .noData || errno == .notSupportedOnSocket else {
            throw SystemCallError("fremovexattr", "remove the inherited access list", errno: errno)
        }
    }

    /// The names, each with the NUL behind it.
    private static func names(of file: Int32) throws(Errno) -> [[CChar]] {
        let list = try sized { bytes in
            var names = bytes.map(CChar.init(bitPattern:))
            let result = unsafe flistxattr(file, &names, names.count)
            bytes = names.map(UInt8.init(bitPattern:))
            return result
        }
        return (list ?? []).split(separator: 0).map { $0.map(CChar.init(bitPattern:)) + [0] }
    }

    /// Asks for the size first, with no room, and then for that many bytes, again where it has grown in between; nil
    /// where there is nothing of the kind (any more), or the file system has no extended attributes.
    private static func sized(_ call: (inout [UInt8]) -> Int) throws(Errno) -> [UInt8]? {
        while true {
            var bytes: [UInt8] = []
            let size = call(&bytes)
            if size > 0 { bytes = [UInt8](repeating: 0, count: size) }
            let read = size > 0 ? call(&bytes) : size
            if read >= 0 { return Array(bytes.prefix(read)) }
            switch Errno.current {
            case .outOfRange: continue
            case .noData, .notSupportedOnSocket: return nil
            default: throw Errno.current
            }
        }
    }
}

extension FileStatus.Time {
    fileprivate init(_ time: timespec) {
        self.init(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec))
    }
}

extension timespec {
    fileprivate init(_ time: FileStatus.Time) {
        self.init(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
    }
}
