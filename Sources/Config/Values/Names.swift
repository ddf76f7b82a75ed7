/// The name of a target, a validator or a profile: safe as a metric's label, a journal field and a file's name.
public struct Name: TextValue, Comparable {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "name", write: "1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit")

    /// The name.
    public let text: String

    /// Reads a name.
    public init(parsing text: String) throws(InvalidValue) {
        guard (1...63).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0.isLetterOrDigit || "._-".utf8.contains($0) }),
            text.utf8.first?.isLetterOrDigit == true
        else { throw InvalidValue(text, Self.kind) }
        self.text = text
    }

    /// By the bytes.
    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// A namespace of Kubernetes: a label of RFC 1123.
public struct KubernetesNamespace: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "namespace", write: "1 to 63 lower-case letters, digits and dashes, as in eth (a namespace has no patterns)")

    /// The namespace.
    public let text: String

    /// Reads a namespace.
    public init(parsing text: String) throws(InvalidValue) {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count), bytes.allSatisfy({ $0.isLowerCaseOrDigit || $0 == UInt8(ascii: "-") }),
            bytes.first != UInt8(ascii: "-"), bytes.last != UInt8(ascii: "-")
        else { throw InvalidValue(text, Self.kind) }
        self.text = text
    }
}

/// The name of a pod, or a pattern of `*`, `?` and `[…]` for several: `lighthouse-*`.
public struct PodNamePattern: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "pod name",
        write: "lower-case letters, digits, dots and dashes, or a pattern with *, ? and […], as in lighthouse-*")

    /// The pattern.
    public let text: String

    /// Reads a name or pattern. A pattern of nothing but `*` and `?` is refused: it would take in every pod of the
    /// namespace.
    public init(parsing text: String) throws(InvalidValue) {
        guard (1...253).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0.isLowerCaseOrDigit || "-.*?[]!".utf8.contains($0) }), hasPairedBrackets(text)
        else { throw InvalidValue(text, Self.kind) }
        guard text.utf8.contains(where: { $0.isLowerCaseOrDigit }) else {
            throw InvalidValue(text, Self.kind, why: "it would take in every pod of the namespace")
        }
        self.text = text
    }
}

extension UInt8 {
    /// ASCII only.
    var isLetterOrDigit: Bool { isLowerCaseOrDigit || (0x41...0x5a).contains(self) }
    /// ASCII only.
    var isLowerCaseOrDigit: Bool { (0x61...0x7a).contains(self) || (0x30...0x39).contains(self) }
}

/// Whether every `[` of a pattern has its `]` with something between, and the other way round.
func hasPairedBrackets(_ pattern: String) -> Bool {
    var opened: Int?
    for (index, byte) in pattern.utf8.enumerated() {
        switch byte {
        case UInt8(ascii: "["):
            guard opened == nil else { return false }
            opened = index
        case UInt8(ascii: "]"):
            guard let start = opened, index > start + 1 else { return false }
            opened = nil
        default: break
        }
    }
    return opened == nil
}
