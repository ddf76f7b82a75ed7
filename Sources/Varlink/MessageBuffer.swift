/// Bytes that came, cut into messages: each ends with a NUL byte. Every byte is looked at once, however they come.
struct MessageBuffer {
    private var bytes: [UInt8] = []
    /// Where the first message begins that was not taken yet.
    private var start = 0
    /// Up to where there is no NUL byte.
    private var searched = 0
    private var end: Int?

    /// How many bytes wait.
    var count: Int { bytes.count - start }

    /// Whether a whole message waits.
    var hasMessage: Bool { end != nil }

    mutating func append(_ more: [UInt8]) {
        bytes += more
        search()
    }

    /// The next message, without its end.
    mutating func next() -> [UInt8]? {
        guard let end else { return nil }
        let message = Array(bytes[start..<end])
        start = end + 1
        searched = start
        self.end = nil
        if start == bytes.count {
            // Also gives back the memory of a long message.
            self = MessageBuffer()
        } else if start > bytes.count / 2 {
            // Half of it at least was taken: moving the rest costs no more than what was done for those.
            bytes.removeFirst(start)
            start = 0
            searched = 0
        }
        search()
        return message
    }

    private mutating func search() {
        guard end == nil else { return }
        end = bytes[searched...].firstIndex(of: 0)
        searched = end ?? bytes.count
    }
}
