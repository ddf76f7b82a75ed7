internal import FoundationEssentials

/// A line of JSON Lines that is not an event, or an event that does not fit a line.
public enum EventLineError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Longer than ``Event/maximumLineLength`` bytes.
    case tooLong
    /// Not JSON, of another schema, or not one of our events; why, safe to print.
    case malformed(String)
    /// The input ended in the middle of a line of this many bytes.
    case truncated(bytes: Int)

    /// One sentence.
    public var description: String {
        switch self {
        case .tooLong: "an event's line is longer than \(Event.maximumLineLength) bytes"
        case .malformed(let why): "a line is not an event of nodeguard: \(why)"
        case .truncated(let bytes): "the events end in the middle of a line, after \(bytes) bytes of it"
        }
    }
}

extension Event: Codable {
    /// The version of the JSON form. A change that an old reader would misread needs another one.
    public static let schema = 1

    /// The longest line that is written or read, in bytes, without its end.
    ///
    /// A path can be longer than PATH_MAX where folders are opened one by one; four times its length for the escaped
    /// form and a third more for its bytes: this is room for a path of three million bytes.
    public static let maximumLineLength = 16 << 20

    /// Writes `"schema"` and `"event"` beside what the event tells.
    public func encode(to encoder: any Encoder) throws {
        try payload.encode(to: encoder)
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(Event.schema, forKey: "schema")
        try container.encode(kind.name, forKey: "event")
    }

    /// Reads what ``encode(to:)`` writes. Keys it does not know are left alone: a newer writer may add some.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        guard try container.decode(Int.self, forKey: "schema") == Event.schema else {
            throw DecodingError.dataCorruptedError(
                forKey: "schema", in: container, debugDescription: "another schema than \(Event.schema)")
        }
        let name = try container.decode(EventName.self, forKey: "event")
        self = try name.payload.init(from: decoder).event
        guard kind.name == name else {
            throw DecodingError.dataCorruptedError(
                forKey: "event", in: container, debugDescription: "the event's name is not that of its outcome")
        }
    }

    /// The event as one line of JSON Lines, with the newline at its end.
    ///
    /// - Throws: ``EventLineError/tooLong``
    public func jsonLine() throws(EventLineError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line: Data
        do {
            line = try encoder.encode(self)
        } catch {
            throw .malformed(explain(error))
        }
        guard line.count <= Event.maximumLineLength else { throw .tooLong }
        return Array(line) + [newline]
    }

    /// Reads one line, without its newline. The line may come from anybody.
    ///
    /// - Throws: ``EventLineError``; never traps, whatever the bytes.
    public init(jsonLine line: some Collection<UInt8>) throws(EventLineError) {
        guard line.count <= Event.maximumLineLength else { throw .tooLong }
        do {
            self = try JSONDecoder().decode(Event.self, from: Data(line))
        } catch {
            throw .malformed(explain(error))
        }
    }
}

/// Cuts what comes out of a pipe into events, however it was cut into reads, and never holds more than one line.
public struct EventLineReader: Sendable {
    private var pending: [UInt8] = []
    private var begin = 0
    /// Up to here there is no newline: a long line in many pieces is looked through once.
    private var searched = 0

    /// Nothing read yet.
    public init() {}

    /// Takes bytes that were read.
    public mutating func append(_ bytes: some Sequence<UInt8>) {
        pending.removeFirst(begin)
        searched -= begin
        begin = 0
        pending.append(contentsOf: bytes)
    }

    /// The next event, or nil until there is a whole line.
    ///
    /// - Throws: ``EventLineError`` for a line that is not an event. A malformed line is consumed, so that the caller
    ///   may go on; after a line that is too long there is nothing to go on with.
    public mutating func next() throws(EventLineError) -> Event? {
        guard let end = pending[searched...].firstIndex(of: newline) else {
            searched = pending.count
            if pending.count - begin > Event.maximumLineLength { throw .tooLong }
            return nil
        }
        defer {
            begin = end + 1
            searched = begin
        }
        return try Event(jsonLine: pending[begin..<end])
    }

    /// To be called when there is nothing more to read.
    ///
    /// - Throws: ``EventLineError/truncated(bytes:)`` where the last line has no end.
    public func finish() throws(EventLineError) {
        guard begin == pending.count else { throw .truncated(bytes: pending.count - begin) }
    }
}

private let newline = UInt8(ascii: "\n")

private func explain(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return MessageText("\(String(describing: error))").description }
    let (context, what): (DecodingError.Context, String) =
        switch error {
        case .typeMismatch(_, let context): (context, "wrong type")
        case .valueNotFound(_, let context): (context, "no value")
        case .keyNotFound(let key, let context): (context, "no \(key.stringValue)")
        case .dataCorrupted(let context): (context, context.debugDescription)
        @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "unreadable")
        }
    let place = context.codingPath.map(\.stringValue).joined(separator: ".")
    // The text may quote the input: keep it short and safe to print.
    let short = String(what.prefix(200))
    return MessageText("\(place.isEmpty ? short : "\(String(place.prefix(200))): \(short)")").description
}
