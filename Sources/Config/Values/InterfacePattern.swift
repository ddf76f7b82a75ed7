import Glibc

/// The name of a network interface, or a pattern of `*`, `?` and `[…]` for several: `wg0`, `nord*`.
public struct InterfacePattern: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "interface name",
        write: "at most 15 characters without spaces, slashes and colons, as in wg0, or a pattern, as in nord*")

    /// The name or pattern.
    public let text: String

    /// Reads a name or pattern. The rules are those of dev_valid_name() in the kernel's net/core/dev.c.
    public init(parsing text: String) throws(InvalidValue) {
        let bytes = Array(text.utf8)
        // IFNAMSIZ of <linux/if.h> is 16 with the final NUL. A pattern may be longer than what it matches.
        guard (1...(Self.isPattern(text) ? 64 : 15)).contains(bytes.count), text != ".", text != "..",
            bytes.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }),
            hasPairedBrackets(text)
        else { throw InvalidValue(text, Self.kind) }
        self.text = text
    }

    /// Whether it stands for several interfaces.
    public var isPattern: Bool { Self.isPattern(text) }

    private static func isPattern(_ text: String) -> Bool { text.utf8.contains { "*?[".utf8.contains($0) } }

    /// Whether an interface's name is meant, by fnmatch(3).
    public func matches(_ name: String) -> Bool { unsafe fnmatch(text, name, 0) == 0 }
}
