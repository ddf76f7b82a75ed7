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

        /// Adds a path, escaped.
        public mutating func appendInterpolation(_ path: FilePath) {
            text += printable(path)
        }

        /// Adds a name or a sentence. Its backslashes stay: a sentence may quote a path that is already escaped.
        public mutating func appendInterpolation(_ string: String) {
            text += string.utf8.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false)
                .map { printable($0) }.joined(separator: "\\")
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
