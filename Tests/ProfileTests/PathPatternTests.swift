import SystemPackage
import Testing

@testable import Scanner

@Suite("Patterns for paths")
struct PathPatternTests {
    @Test(
        "A pattern matches what it says",
        arguments: [
            ("*.iso", "/a/b.iso", true), ("*.iso", "/a.iso/b", false), ("/srv/iso", "/srv/iso", true),
            ("/srv/iso", "/srv/iso/x", false), ("/srv/iso", "/x/srv/iso", false), ("/home/*/x", "/home/a/x", true),
            ("/home/*/x", "/home/a/b/x", false), ("**/a/b", "/a/b", true), ("**/a/b", "/x/y/a/b", true),
            ("**/a/b", "/a/x/b", false), ("**/a/**", "/a", false), ("**/a/**", "/a/b", true),
            ("**/a/**", "/x/a/b/c", true), ("/a/**/z", "/a/z", true), ("/a/**/z", "/a/b/c/z", true),
            ("/a/**/z", "/b/z", false), ("**/a/*/b/**/c", "/a/a/x/b/q/b/c", true), ("**", "/", false),
            ("**", "/x", true), ("a?c", "/abc", true), ("a?c", "/ac", false), ("*", "/", false),
            ("*a*b*", "/xaxbx", true),
            ("//srv//iso/", "/srv/iso", true), ("/srv/iso", "//srv//iso//", true),
        ])
    func matches(pattern: String, path: String, expected: Bool) {
        #expect(PathGlob(pattern).matches(Array(path.utf8)) == expected, "\(pattern) and \(path)")
    }

    /// What a pattern means, said as plainly as can be: every way to share the names is tried.
    private func plainly(_ pattern: ArraySlice<String>, _ names: ArraySlice<String>, whole: Bool = true) -> Bool {
        guard let first = pattern.first else { return names.isEmpty }
        if first == "**" {
            if pattern.count == 1 { return !names.isEmpty }
            return (names.startIndex...names.endIndex).contains { plainly(pattern.dropFirst(), names[$0...]) }
        }
        guard let name = names.first, fits(Array(first)[...], Array(name)[...]) else { return false }
        return plainly(pattern.dropFirst(), names.dropFirst())
    }

    private func fits(_ pattern: ArraySlice<Character>, _ name: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return (name.startIndex...name.endIndex).contains { fits(pattern.dropFirst(), name[$0...]) }
        }
        guard let character = name.first, first == "?" || first == character else { return false }
        return fits(pattern.dropFirst(), name.dropFirst())
    }

    @Test("It matches as its meaning says, over thousands of random patterns and paths", arguments: 1...8)
    func random(seed: UInt64) {
        var numbers = Numbers(state: seed)
        for _ in 0..<3000 {
            let parts = (0..<numbers.below(5) + 1).map { _ in
                ["**", "a", "b", "*", "?", "a*", "*.b", "a.b"][numbers.below(8)]
            }
            let names = (0..<numbers.below(6)).map { _ in ["a", "b", "ab", "a.b", "x.b", "c"][numbers.below(6)] }
            let pattern = "/" + parts.joined(separator: "/")
            let path = "/" + names.joined(separator: "/")
            let expected = plainly(parts[...], names[...])
            #expect(PathGlob(pattern).matches(Array(path.utf8)) == expected, "\(pattern) and \(path)")
            // The index must find whatever the pattern itself finds.
            let index = PathPatterns([("/none/such", 1), (pattern, 2), ("*.none", 3)])
            #expect(index.first(matching: Array(path.utf8)) == (expected ? 2 : nil), "\(pattern) and \(path)")
            // And what is asked before the path is made up must never say no to it.
            guard expected, let name = names.last else { continue }
            let folder = index.folder(Array(("/" + names.dropLast().joined(separator: "/")).utf8))
            #expect(index.mayMatch(NameHashes(Array(name.utf8)[...]), in: folder), "\(pattern) and \(path)")
        }
    }

    @Test("Of several patterns the first one counts, unless it is not accepted")
    func order() {
        let index = PathPatterns([("*.json", 1), ("**/keys/*", 2), ("a.json", 3), ("**", 4)])
        let path = Array("/keys/a.json".utf8)
        #expect(index.first(matching: path) == 1)
        #expect(index.first(matching: path) { $0 > 1 } == 2)
        #expect(index.first(matching: path) { $0 > 2 } == 3)
        #expect(index.first(matching: Array("/x".utf8)) == 4)
    }

    @Test("A hostile path of a thousand names is matched in no more steps than names times pattern")
    func deep() {
        let path = Array(String(repeating: "/a", count: 2000).utf8)
        for _ in 0..<50 { #expect(!PathGlob("**/a/**/a/**/a/**/a/**/b").matches(path)) }
    }

    @Test("Names of any bytes are matched as bytes")
    func bytes() {
        #expect(PathGlob("**/keys/*").matches(Array("/keys/".utf8) + [0xff, 0x0a]))
        #expect(!PathGlob("?").matches([0x2f] + Array("ü".utf8)))
    }
}

/// Random numbers that are the same in every run (xorshift64*).
struct Numbers {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}
