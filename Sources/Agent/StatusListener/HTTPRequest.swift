/// What the head of a request asks for (RFC 9112), as far as a program with one resource needs to know.
enum HTTPRequest: Equatable {
    /// The state of the gate; `isHead`: without the body.
    case gate(isHead: Bool)
    /// Something else that is not there.
    case notFound(isHead: Bool)
    /// `/gate`, by a method that it does not know.
    case wrongMethod
    /// No request, or one with a head that HTTP forbids.
    case malformed
    /// HTTP of a version that is spoken differently.
    case wrongVersion

    /// Where the head ends, the empty line included; nil where that is not among the bytes from `start` on.
    static func headEnd(in bytes: [UInt8], from start: Int) -> Int? {
        bytes.indices[start...].first { index in
            guard bytes[index] == UInt8(ascii: "\n") else { return false }
            let before = withoutReturn(bytes[..<index])
            return before.isEmpty || before.last == UInt8(ascii: "\n")
        }.map { $0 + 1 }
    }

    /// Reads a whole head.
    init(head: some Sequence<UInt8>) {
        var lines = Array(head).split(separator: UInt8(ascii: "\n")).map(Self.withoutReturn)
        lines.removeAll(where: \.isEmpty)
        guard let first = lines.first else { self = .malformed; return }
        let words = first.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 3, Self.isToken(words[0]), words[1].allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
            let version = Self.version(words[2])
        else { self = .malformed; return }
        guard version.major == 1 else { self = .wrongVersion; return }
        var hosts = 0
        for line in lines.dropFirst() {
            // Also refuses a line that begins with a space, which once continued the one before (5.2).
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), Self.isToken(line[..<colon]) else {
                self = .malformed
                return
            }
            if String(decoding: line[..<colon], as: UTF8.self).lowercased() == "host" { hosts += 1 }
        }
        // 3.2: a request of HTTP/1.1 names its host, once.
        guard hosts == 1 || (hosts == 0 && version.minor == 0) else { self = .malformed; return }
        let method = String(decoding: words[0], as: UTF8.self)
        guard Self.path(String(decoding: words[1], as: UTF8.self)) == "/gate" else {
            self = .notFound(isHead: method == "HEAD")
            return
        }
        switch method {
        case "GET": self = .gate(isHead: false)
        case "HEAD": self = .gate(isHead: true)
        default: self = .wrongMethod
        }
    }

    /// The path of a target, which may be a whole address (3.2.2); without its query.
    private static func path(_ target: String) -> Substring {
        var rest = target[...]
        let scheme = "http://"
        if rest.lowercased().hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
            rest = rest[(rest.firstIndex(of: "/") ?? rest.endIndex)...]
        }
        return rest.prefix { $0 != "?" }
    }

    private static func version(_ word: ArraySlice<UInt8>) -> (major: UInt8, minor: UInt8)? {
        let bytes = Array(word)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), digits.contains(bytes[5]),
            bytes[6] == UInt8(ascii: "."), digits.contains(bytes[7])
        else { return nil }
        return (bytes[5] - UInt8(ascii: "0"), bytes[7] - UInt8(ascii: "0"))
    }

    /// A name of a method or a header (RFC 9110, 5.6.2).
    private static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy { byte in
                switch UnicodeScalar(byte) {
                case "a"..."z", "A"..."Z", "0"..."9": true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static func withoutReturn(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }
}
