import Glibc
import LinuxSystem
import SystemPackage
import TestSupport

/// A TCP connection from inside of a network namespace, which does as badly as a test wants it to.
final class HTTPClient {
    private let socket: FileDescriptor

    private init(_ socket: FileDescriptor) {
        self.socket = socket
    }

    deinit {
        try? socket.close()
    }

    /// Connects; nil where nobody listens.
    static func connected(
        in node: NetworkNamespace, port: UInt16 = 9477, ipv6: Bool = false
    ) throws -> HTTPClient? {
        let (number, error) = try node.run {
            let number = Glibc.socket(ipv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
            let result = ipv6 ? connect6(number, port) : connect4(number, port)
            return (number, result == 0 ? nil : Errno(rawValue: errno))
        }
        let client = HTTPClient(FileDescriptor(rawValue: number))
        switch error {
        case nil: return client
        case .connectionRefused: return nil
        case .some(let error): throw ProgramFailure(description: "connect: \(error)")
        }
    }

    /// Sends all of it. Nobody has to take it.
    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(socket.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// Everything up to the end of the connection.
    func answer() throws -> String {
        var all: [UInt8] = []
        var isOpen = true
        while isOpen {
            let ready = try waitUntilReadable([socket.rawValue], milliseconds: 60_000)
            guard !ready.isEmpty else { throw ProgramFailure(description: "no answer within 60 s") }
            // An end by a reset is one as well.
            let some = (try? readSome(socket)) ?? []
            all += some
            isOpen = !some.isEmpty
        }
        return String(decoding: all, as: UTF8.self)
    }
}

private func connect4(_ number: Int32, _ port: UInt16) -> Int32 {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return unsafe withUnsafeBytes(of: &name) {
        unsafe connect(number, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, size)
    }
}

private func connect6(_ number: Int32, _ port: UInt16) -> Int32 {
    var name = sockaddr_in6()
    name.sin6_family = sa_family_t(AF_INET6)
    name.sin6_port = port.bigEndian
    name.sin6_addr = in6addr_loopback
    let size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    return unsafe withUnsafeBytes(of: &name) {
        unsafe connect(number, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, size)
    }
}
