/// Why bytes are not a message. The peer is broken or hostile: the connection ends, nothing of it is believed.
public struct MalformedMessage: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was expected where the bytes stopped making sense.
    public let description: String

    /// A message that cannot be understood, or not at this moment.
    public init(_ description: String) {
        self.description = description
    }
}

/// Puts a message together: integers little-endian with a fixed width, bytes with their length in front.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ value: some FixedWidthInteger) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func put(_ value: some Collection<UInt8>) {
        put(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func put(_ text: String) {
        put(Array(text.utf8))
    }
}

/// Takes a message apart, trusting nothing: every length is checked against what is there.
struct WireReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    mutating func integer<Value: FixedWidthInteger>(_ what: String) throws(MalformedMessage) -> Value {
        let size = MemoryLayout<Value>.size
        guard rest.count >= size else { throw MalformedMessage("\(what): the message ends too early") }
        var value: Value = 0
        for (index, byte) in rest.prefix(size).enumerated() { value |= Value(truncatingIfNeeded: byte) << (8 * index) }
        rest.removeFirst(size)
        return value
    }

    mutating func bytes(_ what: String) throws(MalformedMessage) -> [UInt8] {
        let count: UInt32 = try integer(what)
        guard rest.count >= Int(count) else { throw MalformedMessage("\(what): the message ends too early") }
        defer { rest.removeFirst(Int(count)) }
        return Array(rest.prefix(Int(count)))
    }

    /// Text from the peer; what is not UTF-8 is repaired, since it is only ever shown.
    mutating func text(_ what: String) throws(MalformedMessage) -> String {
        String(decoding: try bytes(what), as: UTF8.self)
    }

    /// At most `limit` texts.
    mutating func texts(_ what: String, limit: Int) throws(MalformedMessage) -> [String] {
        let count: UInt32 = try integer(what)
        guard Int(count) <= limit else { throw MalformedMessage("\(what): \(count) is more than \(limit)") }
        var texts: [String] = []
        for _ in 0..<count { texts.append(try text(what)) }
        return texts
    }

    func end() throws(MalformedMessage) {
        guard rest.isEmpty else { throw MalformedMessage("\(rest.count) bytes behind the end of the message") }
    }
}
