/// A SHA-256 (FIPS 180-4): 32 bytes that name one content.
public struct Digest: Hashable, Sendable {
    /// The 32 bytes as four numbers, the first byte being the lowest of the first number.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// The digest of these bytes.
    public init(of bytes: [UInt8]) {
        var hash = SHA256()
        hash.add(bytes)
        self = hash.digest()
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
    }

    /// 64 lower-case hexadecimal digits, as sha256sum(1) writes it.
    public var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Whether all 32 bytes are the same.
    public static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    /// By the first bytes: they are as good as random.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
