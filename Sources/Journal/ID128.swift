/// A number of 128 bits that names one thing for good: a kind of event (journald's `MESSAGE_ID`) or a scan.
///
/// Written as 32 lower-case hexadecimal digits, as sd-id128(3) does.
public struct ID128: Hashable, Sendable, LosslessStringConvertible {
    /// The number itself.
    public let value: UInt128

    /// An identifier that is known beforehand.
    public init(_ value: UInt128) {
        self.value = value
    }

    /// A new one, at random: two scans of a host do not share one.
    public static func random() -> ID128 {
        ID128(UInt128.random(in: .min ... .max))
    }

    /// Reads exactly 32 lower-case hexadecimal digits; nil for anything else.
    public init?(_ description: String) {
        let digits = description.utf8
        let isDigit = { (byte: UInt8) in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard digits.count == 32, digits.allSatisfy(isDigit), let value = UInt128(description, radix: 16) else {
            return nil
        }
        self.value = value
    }

    /// The 32 digits.
    public var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 32 - digits.utf8.count) + digits
    }
}

extension ID128: Codable {
    /// Reads the 32 digits.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = ID128(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "an identifier is 32 lower-case hexadecimal digits")
        }
        self = id
    }

    /// Writes the 32 digits.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The name of one scan of one target, the same in every event, in the history and in the journal.
public typealias ScanID = ID128
