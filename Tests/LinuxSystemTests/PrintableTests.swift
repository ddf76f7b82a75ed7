import LinuxSystem
import SystemPackage
import Testing

/// Whatever a file is called, its name is one harmless line, and no two names look the same.
@Suite struct PrintableTests {
    private static let examples: [([UInt8], String)] = [
        (Array("/plain/path with spaces".utf8), "/plain/path with spaces"), (Array("ünïcode ✓".utf8), "ünïcode ✓"),
        (Array("a\nb\tc\rd".utf8), #"a\nb\tc\rd"#), (Array(#"a\nb"#.utf8), #"a\\nb"#),
        ([0x61, 0xff, 0xfe, 0x62], #"a\xff\xfeb"#), ([0x1b, 0x5b, 0x33, 0x31, 0x6d], #"\x1b[31m"#), ([0x7f], #"\x7f"#),
        // A bidirectional override, a zero-width space, a C1 control, half a character, an overlong slash, a surrogate.
        (Array("\u{202e}".utf8), #"\xe2\x80\xae"#), (Array("\u{200b}".utf8), #"\xe2\x80\x8b"#),
        ([0xc2, 0x9b], #"\xc2\x9b"#),
        ([0xe2, 0x82], #"\xe2\x82"#), ([0xc0, 0xaf], #"\xc0\xaf"#), ([0xed, 0xa0, 0x80], #"\xed\xa0\x80"#), ([], ""),
    ]

    @Test(arguments: examples) func isEscaped(_ bytes: [UInt8], _ text: String) {
        #expect(printable(bytes) == text)
    }

    @Test func differentNamesNeverLookAlike() {
        var seen: [String: [UInt8]] = [:]
        let alphabet: [UInt8] = [0x5c, 0x6e, 0x0a, 0x78, 0x30, 0x61, 0xff]
        for first in alphabet {
            for second in alphabet {
                for third in alphabet {
                    let bytes = [first, second, third]
                    #expect(seen.updateValue(bytes, forKey: printable(bytes)) == nil)
                }
            }
        }
    }

    @Test func aPathKeepsItsBytes() {
        let bytes: [UInt8] = [0x2f, 0xff, 0x0a, 0x5c]
        #expect(FilePath(bytes: bytes).bytes == bytes)
    }
}
