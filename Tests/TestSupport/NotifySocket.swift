import Glibc
public import SystemPackage

/// Stands in for systemd at the end of sd_notify(3): hears what a service says of itself.
public final class NotifySocket {
    /// The value for the service's NOTIFY_SOCKET.
    public let path: FilePath
    private let socket: FileDescriptor
    private var heard: [String] = []

    /// Listens at a path that is not there yet.
    public init(at path: FilePath) throws {
        self.path = path
        socket = FileDescriptor(rawValue: Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.string.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw ProgramFailure(description: "bind \(path): \(Errno(rawValue: errno))") }
    }

    deinit { try? socket.close() }

    /// Waits until a message has this line, and gives that message back. Each message counts once.
    @discardableResult
    public func wait(for line: String, deadline: Int = 60) throws -> String {
        let end = ContinuousClock.now.advanced(by: .seconds(deadline))
        var buffer = [UInt8](repeating: 0, count: 8192)
        while .now < end {
            var watched = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&watched, 1, 1000) == 1 else { continue }
            let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe socket.read(into: $0) }
            let message = String(decoding: buffer[..<count], as: UTF8.self)
            if message.split(separator: "\n").contains(Substring(line)) { return message }
        }
        throw ProgramFailure(description: "the service did not say \(line) within \(deadline) s")
    }
}
