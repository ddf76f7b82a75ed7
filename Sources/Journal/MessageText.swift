import LinuxSystem
public import SystemPackage

/// One line a person reads: whatever is put into it is escaped on the way in, so that neither a file's name nor an
/// error's text can forge a second line or steer a terminal.
///
/// Written as a string literal: `"Found \(signature) in \(path)."`. There is no way in for a string that is not escaped.
public struct MessageText: ExpressibleByStringInterpolation, CustomStringConvertible, Equatable, Sendable {
    /// The line.
    public let description: String

    /// A line without anything put into it.
    public init(stringLiteral value: StaticString) {
        description = "\(value)"
    }

    /// A line with its parts put in.
    public init(stringInterpolation: StringInterpolation) {
        description = stringInterpolation.text
    }

    /// A name or a sentence made safe to print. Its backslashes stay: it may quote a path that is already escaped.
    static func escaped(_ text: String) -> String {
        text.utf8.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false)
            .map { printable($0) }.joined(separator: "\\")
    }

    /// The longest part of a line, in bytes. `journalctl -o json` gives null for a field of 4096 bytes or more (systemd,
    /// JSON_THRESHOLD), and no line has more than four parts that can be long. The fields have them whole.
    static let longestPart = 900

    private static func shortened(_ text: String) -> String {
        if text.utf8.count <= longestPart { return text }
        let (head, tail) = (text.utf8.prefix(longestPart / 2 - 8), text.utf8.suffix(longestPart / 2 - 8))
        // A character cut in two at the seam goes.
        return String(decoding: head, as: UTF8.self).filter { $0 != "\u{FFFD}" } + "[...]"
            + String(decoding: tail, as: UTF8.self).filter { $0 != "\u{FFFD}" }
    }

    /// Collects the parts of a line.
    public struct StringInterpolation: StringInterpolationProtocol {
        var text = ""

        /// Begins a line.
        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 32 * interpolationCount)
        }

        /// Adds what the program's author wrote.
        public mutating func appendLiteral(_ literal: StaticString) {
            text += "\(literal)"
        }

        /// Adds a path, escaped; the middle of a very long one is left out.
        public mutating func appendInterpolation(_ path: FilePath) {
            text += shortened(printable(path))
        }

        /// Adds a name or a sentence, escaped; the middle of a very long one is left out.
        public mutating func appendInterpolation(_ string: String) {
            text += shortened(escaped(string))
        }

        /// Adds another line.
        public mutating func appendInterpolation(_ message: MessageText) {
            text += message.description
        }

        /// Adds a number.
        public mutating func appendInterpolation(_ number: some BinaryInteger) {
            text += String(number)
        }
    }
}
