import Glibc
import Synchronization
public import SystemPackage

/// Stands in for systemd at the end of sd_notify(3): hears what a service says of itself.
public final class NotifySocket {
    /// The value for the service's NOTIFY_SOCKET.
    public let path: FilePath
    private let heard = Heard()
    private let reader: BackgroundThread

    private final class Heard: Sendable {
        let messages = Mutex<[String]>([])
        let isStopped = Atomic<Bool>(false)
    }

    /// Listens at a path that is not there yet. It reads at once, as systemd does: a service waits for it otherwise.
    public init(at path: FilePath) throws {
        self.path = path
        let socket = FileDescriptor(
            rawValue: Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
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
        let heard = heard
        reader = try BackgroundThread {
            var buffer = [UInt8](repeating: 0, count: 8192)
            while !heard.isStopped.load(ordering: .acquiring) {
                var watched = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
                // Only so often does it look whether it should end.
                guard unsafe poll(&watched, 1, 50) == 1 else { continue }
                let count = unsafe buffer.withUnsafeMutableBytes { (try? unsafe socket.read(into: $0)) ?? 0 }
                let message = String(decoding: buffer[..<count], as: UTF8.self)
                heard.messages.withLock { $0.append(message) }
            }
            try? socket.close()
        }
    }

    deinit { heard.isStopped.store(true, ordering: .releasing) }

    /// Forgets what it has heard so far, before another service is started.
    public func forget() { heard.messages.withLock { $0 = [] } }

    /// Waits until a message has this line, and gives that message back. Each message counts once.
    @discardableResult
    public func wait(for line: String, deadline: Int = 60) throws -> String {
        try waitFor("the service to say \(line)", deadline: deadline) {
            heard.messages.withLock { messages in
                while !messages.isEmpty {
                    let message = messages.removeFirst()
                    if message.split(separator: "\n").contains(Substring(line)) { return message }
                }
                return nil
            }
        }
    }
}
