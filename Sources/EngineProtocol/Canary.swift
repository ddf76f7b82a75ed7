/// Known-bad bytes with which a session proves again and again that its engine still finds anything.
///
/// libclamav calls every file clean where its scratch folder cannot be used, and has other ways to find nothing
/// without saying so. So each session draws random bytes; the engine adds two signatures for them to the
/// databases: one for the bytes wherever they stand, one for the hash of a file that consists of them. The
/// session then sends, as ordinary files that a worker cannot tell from others, a plain one that the first
/// signature matches and a tar archive whose member only the second matches, once it was unpacked.
public struct Canary: Equatable, Sendable {
    /// How many random bytes.
    public static let length = 64
    /// The name of the signature for the bytes themselves.
    public static let patternSignature = "Nodeguard.Canary.Pattern"
    /// The name of the signature for the unpacked member.
    public static let memberSignature = "Nodeguard.Canary.Member"

    /// The random bytes: the first half is the pattern's, the second the member's.
    public let bytes: [UInt8]

    /// A canary never used before.
    public static func random() -> Canary {
        var generator = SystemRandomNumberGenerator()
        // Without NUL, LF and CR: a member that looks like text would be normalized and matched as such.
        return Canary(bytes: (0..<length).map { _ in UInt8.random(in: 128...255, using: &generator) })!
    }

    /// The canary of these bytes; nil unless there are ``length`` of them.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        self.bytes = bytes
    }

    /// The bytes that the first signature matches.
    public var pattern: ArraySlice<UInt8> { bytes.prefix(Self.length / 2) }

    /// The whole of the member that the second signature matches.
    public var member: ArraySlice<UInt8> { bytes.suffix(Self.length / 2) }

    /// A plain file around the pattern.
    public var plainFile: [UInt8] { Array(repeating: 0, count: 16) + pattern + Array(repeating: 0, count: 16) }

    /// A tar archive (POSIX.1-1988 ustar) with the member in it.
    public var archive: [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
        }
        let size = String(member.count, radix: 8)
        put("member", at: 0)
        put("0000600", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(String(repeating: "0", count: 11 - size.count) + size, at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        put(String(repeating: "0", count: 6 - sum.count) + sum, at: 148)
        header[154] = 0
        let padding = [UInt8](repeating: 0, count: 512 - member.count)
        return header + member + padding + [UInt8](repeating: 0, count: 1024)
    }

    /// The signatures as libclamav reads them: the text of an `.ndb` file.
    public var patternDatabase: String {
        "\(Self.patternSignature):0:*:\(hexadecimal(pattern))\n"
    }

    /// The text of an `.hsb` file, from the member's SHA-256.
    public func memberDatabase(sha256: [UInt8]) -> String {
        "\(hexadecimal(sha256[...])):\(member.count):\(Self.memberSignature):73\n"
    }
}

private func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
    let digits = Array("0123456789abcdef")
    return bytes.reduce(into: "") { $0 += "\(digits[Int($1 >> 4)])\(digits[Int($1 & 15)])" }
}
