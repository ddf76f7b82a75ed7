internal import Glibc
internal import SystemPackage

/// Who acts: the user who logged in, also behind sudo or su; where nobody did, the one this process runs as.
///
/// From `/proc/self/loginuid` (proc(5), audit), which the kernel sets once at login.
public struct LoginUser: Sendable, CustomStringConvertible {
    /// The user's number.
    public let id: UInt32
    /// The name as the user database has it; nil where it has none.
    public let name: String?

    /// The user behind this process.
    public static func current() -> LoginUser {
        var id = getuid()
        if let file = try? FileDescriptor.open(FilePath("/proc/self/loginuid"), .readOnly, options: .closeOnExec),
            let bytes = try? file.closeAfter({ try readToEnd(file) }),
            let number = UInt32(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }),
            number != .max  // -1: nobody logged in, a service
        {
            id = number
        }
        return LoginUser(id: id, name: name(of: id))
    }

    /// `alice (uid 1000)`
    public var description: String { name.map { "\($0) (uid \(id))" } ?? "uid \(id)" }

    private static func name(of id: UInt32) -> String? {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16384)
        guard unsafe getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, let found = unsafe found else {
            return nil
        }
        let characters = unsafe UnsafeBufferPointer(start: found.pointee.pw_name, count: strlen(found.pointee.pw_name))
        return unsafe printable(characters.map(UInt8.init(bitPattern:)))
    }
}
