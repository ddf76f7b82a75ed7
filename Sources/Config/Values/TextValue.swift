import LinuxSystem

/// A value of the configuration or the command line that is written as one word or line of text.
///
/// The text is checked once, when the value is made: a value of such a type is always a possible one.
public protocol TextValue: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral
where StringLiteralType == String {
    /// What it is called in messages and in the reference, for example "duration".
    static var kind: ValueKind { get }
    /// Reads the value from its text, or says why that is impossible.
    init(parsing text: String) throws(InvalidValue)
    /// The text, such that ``init(parsing:)`` makes an equal value of it.
    var text: String { get }
}

extension TextValue {
    /// The value as it is written in the configuration.
    public var description: String { text }

    /// A value written in the source code. It stops the program where the text is impossible, so the first test
    /// that comes across such a literal finds it.
    public init(stringLiteral text: String) {
        do { self = try Self(parsing: text) } catch { preconditionFailure(error.description) }
    }
}

/// How a kind of value is called, and what may be written for it.
public struct ValueKind: Equatable, Sendable {
    /// The name, without an article: "duration".
    public let name: String
    /// What may be written, as the rest of "write …".
    public let allowed: String

    init(_ name: String, write allowed: String) {
        self.name = name
        self.allowed = allowed
    }

    /// The name with its article: "a duration", "an address", "a user id".
    var withArticle: String {
        let vowel = name.first.map { "aeio".contains($0.lowercased()) } ?? false
        return (vowel ? "an " : "a ") + name
    }
}

/// A text that is none of the values wanted: what it is, what was wanted, and what may be written instead.
public struct InvalidValue: Error, Equatable, Sendable, CustomStringConvertible {
    /// The whole sentence.
    public let description: String

    /// `why` says what is wrong in particular; without it the sentence says what may be written.
    init(_ text: String, _ kind: ValueKind, why: String? = nil) {
        description = "\(quoted(text)) is not \(kind.withArticle): \(why ?? "write \(kind.allowed)")"
    }
}

/// A text from outside, in quotes, escaped for a terminal and cut to a length that leaves the message readable.
func quoted(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(60)
    let cut = shown.endIndex != text.unicodeScalars.endIndex
    return "\"" + printable(String(shown).utf8) + (cut ? "…" : "") + "\""
}

extension StringProtocol {
    /// The value of a text of one to eighteen ASCII digits without a leading zero; nil for anything else.
    var wholeNumber: Int? {
        guard !isEmpty, utf8.count <= 18, utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard utf8.count == 1 || utf8.first != 0x30 else { return nil }
        return Int(self)
    }
}
