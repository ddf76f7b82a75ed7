import Glibc
import LinuxSystem
import SystemPackage

/// The address of a status listener, and the one question that is put to it: plain HTTP/1.0 (RFC 1945), GET, and the
/// status code of the answer.
struct HTTPPlace {
    private let host: String
    private let port: String
    private let path: String

    /// Reads `http://HOST[:PORT][/PATH]`; nil for anything else.
    init?(_ url: String) {
        guard url.hasPrefix("http://"), !url.contains("#"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            return nil
        }
        let rest = url.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let behind = rest[authority.endIndex...]
        path = behind.isEmpty || behind == "/" ? "/gate" : behind.hasPrefix("/") ? String(behind) : "/gate\(behind)"
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            host = String(authority[authority.index(after: authority.startIndex)..<close])
            let after = authority[authority.index(after: close)...]
            guard after.isEmpty || after.hasPrefix(":") else { return nil }
            port = after.isEmpty ? "80" : String(after.dropFirst())
        } else {
            let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return nil }
            host = String(parts[0])
            port = parts.count == 2 ? String(parts[1]) : "80"
        }
        guard !host.isEmpty, let number = UInt16(port), number > 0 else { return nil }
    }

    /// Asks once. 200 is open; everything else, no answer too, is shut.
    func ask(within time: Duration) -> GateAnswer {
        do throws(SystemCallError) {
            let answer = try exchange(
                "GET \(path) HTTP/1.0\r\nHost: \(host):\(port)\r\nConnection: close\r\n\r\n",
                until: .now.advanced(by: time))
            let words = answer.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }.split(
                separator: UInt8(ascii: " "))
            guard words.count >= 2, words[0].starts(with: Array("HTTP/".utf8)) else {
                return .shut("http://\(host):\(port) does not answer as a status listener does")
            }
            if words[1].elementsEqual("200".utf8) { return .open }
            // Behind the empty line is what a person reads.
            let lines = answer.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let body = lines.drop { !$0.isEmpty && $0 != [UInt8(ascii: "\r")] }.dropFirst().first ?? []
            return .shut("\(host):\(port) says \(printable(words[1])): \(printable(body.prefix(200)))")
        } catch {
            return .shut("\(error)")
        }
    }

    private func exchange(_ request: String, until end: ContinuousClock.Instant) throws(SystemCallError) -> [UInt8] {
        let socket = try connected(until: end)
        var rest = Array(request.utf8)[...]
        while !rest.isEmpty {
            try wait(socket.rawValue, .writable, end)
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(socket.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent >= 0 || Errno.current == .resourceTemporarilyUnavailable else { throw failure("send", "ask") }
            rest = rest.dropFirst(max(sent, 0))
        }
        var answer: [UInt8] = []
        while answer.count < 16384 {
            try wait(socket.rawValue, .readable, end)
            let some: [UInt8]
            do throws(Errno) {
                some = try readSome(socket.descriptor)
            } catch {
                if error == .resourceTemporarilyUnavailable { continue }
                throw SystemCallError("read", "hear", "\(host):\(port)", errno: error)
            }
            if some.isEmpty { break }
            answer += some
        }
        return answer
    }

    private func connected(until end: ContinuousClock.Instant) throws(SystemCallError) -> OwnedDescriptor {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, port, &hints, &found) == 0, let first = unsafe found else {
            throw SystemCallError("getaddrinfo", "find the host", printable(host.utf8), errno: .noSuchFileOrDirectory)
        }
        defer { unsafe freeaddrinfo(found) }
        var last = Errno.connectionRefused
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let info = unsafe next {
            unsafe next = info.pointee.ai_next
            let number = unsafe socket(
                info.pointee.ai_family,
                Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            guard number >= 0 else { continue }
            let socket = OwnedDescriptor(owning: FileDescriptor(rawValue: number))
            let result = unsafe connect(number, info.pointee.ai_addr, info.pointee.ai_addrlen)
            if result != 0 {
                last = Errno.current
                guard last == .nowInProgress else { continue }
                try wait(number, .writable, end)
                var error: Int32 = 0
                var size = socklen_t(MemoryLayout<Int32>.size)
                unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &size)
                last = Errno(rawValue: error)
                guard error == 0 else { continue }
            }
            return socket
        }
        throw SystemCallError("connect", "connect to", "\(host):\(port)", errno: last)
    }

    private func wait(
        _ socket: Int32, _ events: PollEvents, _ end: ContinuousClock.Instant
    ) throws(SystemCallError) {
        while try waitForEvents([Watched(socket, events)], until: end).isEmpty {
            guard .now < end else {
                throw SystemCallError("poll", "hear from", "\(host):\(port)", errno: .timedOut)
            }
        }
    }

    private func failure(_ call: String, _ intent: String) -> SystemCallError {
        SystemCallError(call, intent, "\(host):\(port)", errno: .current)
    }
}
