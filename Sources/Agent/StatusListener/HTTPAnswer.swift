/// A whole answer: its head, and a body of one line for a person.
struct HTTPAnswer: Equatable {
    let status: String
    let body: String
    private var isHead = false
    private var allow = ""

    /// The bytes to be sent.
    var bytes: [UInt8] {
        let text = body + "\n"
        let head = [
            "HTTP/1.1 \(status)", "Content-Type: text/plain; charset=utf-8", "Content-Length: \(text.utf8.count)",
            "Cache-Control: no-store", "Connection: close",
        ]
        return Array(((head + (allow.isEmpty ? [] : [allow]) + ["", ""]).joined(separator: "\r\n")).utf8)
            + (isHead ? [] : Array(text.utf8))
    }

    /// To a request.
    ///
    /// - Parameter shutBecause: why the gate is shut; nil where it is open.
    init(to request: HTTPRequest, shutBecause: String?) {
        switch request {
        case .gate(let isHead):
            self.init(
                shutBecause == nil ? "200 OK" : "503 Service Unavailable", shutBecause.map { "shut: \($0)" } ?? "open")
            self.isHead = isHead
        case .notFound(let isHead):
            self.init("404 Not Found", "there is only /gate")
            self.isHead = isHead
        case .wrongMethod:
            self.init("405 Method Not Allowed", "there is only GET and HEAD")
            allow = "Allow: GET, HEAD"
        case .malformed: self.init("400 Bad Request", "this is no request of HTTP/1")
        case .wrongVersion: self.init("505 HTTP Version Not Supported", "only HTTP/1 is spoken here")
        }
    }

    private init(_ status: String, _ body: String) {
        self.status = status
        self.body = body
    }

    /// A head that does not end.
    static let tooLong = HTTPAnswer("431 Request Header Fields Too Large", "the head is too long")
    /// A head that did not come in time.
    static let tooSlow = HTTPAnswer("408 Request Timeout", "the head did not come in time")
}
