import Scanner
import Testing

/// Patterns for paths: what they match, and what they leave alone.
@Suite struct PathGlobTests {
    struct Case: Sendable {
        let pattern: String
        let path: String
        let matches: Bool

        init(_ pattern: String, _ path: String, _ matches: Bool) {
            self.pattern = pattern
            self.path = path
            self.matches = matches
        }
    }

    private static let cases: [Case] = [
        // Without a slash: the name alone.
        Case("node_key.json", "/a/b/node_key.json", true), Case("node_key.json", "/a/node_key.json/b", false),
        Case("node_key.json", "/a/my_node_key.json", false), Case("*.json", "/a/b.json", true),
        Case("*.json", "/a.json/b", false), Case("keystore-*.json", "/x/keystore-m_1.json", true),
        Case("a?c", "/abc", true), Case("a?c", "/ac", false), Case("a?c", "/abbc", false),
        // With one: the whole path.
        Case("/var/lib/etcd", "/var/lib/etcd", true), Case("/var/lib/etcd", "/var/lib/etcd2", false),
        Case("/var/lib/etcd", "/mnt/var/lib/etcd", false), Case("/var/lib/etcd/", "/var/lib/etcd", true),
        Case("/var/*/etcd", "/var/lib/etcd", true), Case("/var/*/etcd", "/var/lib/x/etcd", false),
        Case("/var/l*b/etcd", "/var/lib/etcd", true),
        // Any depth.
        Case("**/secrets/0x*", "/a/b/secrets/0xabc", true), Case("**/secrets/0x*", "/secrets/0xabc", true),
        Case("**/secrets/0x*", "/secrets/x/0xabc", false), Case("/run/**/rootfs", "/run/rootfs", true),
        Case("/run/**/rootfs", "/run/a/b/c/rootfs", true), Case("/run/**/rootfs", "/run/a/rootfs/b", false),
        Case("**/keys/**", "/a/keys/b/c", true), Case("**/keys/**", "/a/keys", false),
        Case("/a/**/b/**/c", "/a/1/b/2/3/c", true), Case("/a/**/b/**/c", "/a/1/2/3/c", false),
        // Stars that have to give back.
        Case("*ab*ab", "/xababab", true), Case("a*b*c", "/abbbcbc", true), Case("a*b*c", "/abbbcb", false),
        Case("*", "/anything", true), Case("**", "/anything/at/all", true),
        // What means nothing stands for itself.
        Case("[ab]", "/a", false), Case("[ab]", "/[ab]", true), Case("", "/a", false),
    ]

    @Test(arguments: cases) func matches(_ example: Case) {
        #expect(PathGlob(example.pattern).matches(Array(example.path.utf8)) == example.matches)
    }

    @Test func bytesNeedNotBeText() {
        #expect(PathGlob("*.json").matches([0x2f, 0xff, 0xfe] + Array(".json".utf8)))
        #expect(PathGlob("?").matches([0x2f, 0xff]))
    }

    /// A pattern made to be slow ends at once; were it exponential, this would not end today.
    @Test func hostilePatternsEnd() {
        let name = [0x2f] + [UInt8](repeating: 0x61, count: 255)
        #expect(!PathGlob(String(repeating: "*a", count: 100) + "b").matches(name))
    }
}
