internal import LinuxSystem

/// The value of a metric's label: a short name out of a closed set, such as a target or a check of the configuration, an
/// interface or a signature database.
///
/// A path can not be one, nor can anything long or unprintable: each value makes a series that is kept for ever. Never
/// make one of a signature's name.
public struct MetricLabel: Hashable, Comparable, Sendable, LosslessStringConvertible {
    /// The longest value, in bytes.
    public static let maximumLength = 128

    /// The value, not escaped.
    public let description: String

    /// A label's value; nil for an empty text, a text with a slash, one that is not printable, and one of more than
    /// ``maximumLength`` bytes.
    public init?(_ description: String) {
        let bytes = description.utf8
        let isPlain = bytes.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false)
            .allSatisfy { Array(printable($0).utf8) == Array($0) }
        guard isPlain, !bytes.isEmpty, bytes.count <= Self.maximumLength, !bytes.contains(UInt8(ascii: "/")) else {
            return nil
        }
        self.description = description
    }

    /// In the order of their text.
    public static func < (left: MetricLabel, right: MetricLabel) -> Bool {
        left.description < right.description
    }
}

extension MetricLabel: Codable, CodingKeyRepresentable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The text as the key of a dictionary.
    public var codingKey: any CodingKey { Key(stringValue: description) }

    /// A label from the key of a dictionary.
    public init?(codingKey: some CodingKey) {
        self.init(codingKey.stringValue)
    }

    /// Reads the text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let label = MetricLabel(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not the value of a label")
        }
        self = label
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
