/// A name of eight characters that a person can type, for a finding or a file in the quarantine: `7q3kd0xm`.
///
/// 40 random bits in Crockford's base 32, which has no letter that is taken for another. Whoever makes one sees to it
/// that it is not in use yet.
public struct ShortID: Hashable, Comparable, Sendable, LosslessStringConvertible {
    /// The eight characters.
    public let description: String

    /// Crockford's alphabet: digits and lower-case letters without i, l, o and u.
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    private static let length = 8

    /// A new one, at random.
    public static func random() -> ShortID {
        ShortID(characters: (0..<length).map { _ in alphabet[Int.random(in: 0..<32)] })
    }

    /// Reads exactly eight characters of the alphabet; nil for anything else.
    public init?(_ description: String) {
        guard description.utf8.count == Self.length, description.utf8.allSatisfy(Self.alphabet.contains) else {
            return nil
        }
        self.description = description
    }

    private init(characters: [UInt8]) {
        description = String(decoding: characters, as: UTF8.self)
    }

    /// By the characters.
    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }

    /// The one of `ids` that begins with what somebody typed, in upper or lower case.
    ///
    /// - Throws: ``UnknownID`` where none does, or more than one.
    public static func named(_ text: String, among ids: some Sequence<ShortID>) throws(UnknownID) -> ShortID {
        let wanted = text.lowercased()
        let matching = wanted.isEmpty ? [] : ids.filter { $0.description.hasPrefix(wanted) }
        guard let first = matching.first, matching.count == 1 else {
            throw UnknownID(text: text, candidates: matching.sorted())
        }
        return first
    }
}

/// What somebody typed is the beginning of no identifier, or of more than one.
public struct UnknownID: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was typed.
    public let text: String
    /// What it is the beginning of.
    public let candidates: [ShortID]

    /// One sentence.
    public var description: String {
        let typed: MessageText = "\(text)"
        return candidates.isEmpty
            ? "nothing has the identifier \(typed)"
            : "\(typed) is not clear: it is the beginning of "
                + candidates.prefix(10).map(\.description).joined(separator: ", ")
                + (candidates.count > 10 ? ", …" : "")
    }
}
