/// A number of bytes as the configuration writes it: `512B`, `64KiB`, `64MiB`, `2GiB`, `1TiB`.
public struct ByteSize: TextValue, Comparable {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "size", write: "a whole number and its unit (B, KiB, MiB, GiB or TiB), as in 64MiB")

    /// The number of bytes.
    public let bytes: UInt64
    /// The size as it was written.
    public let text: String

    private static let units: [(name: String, bytes: Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1),
    ]

    /// Reads `64MiB` and the like. `64MB` and `64M` are refused: they mean one thing to some and another to others.
    public init(parsing text: String) throws(InvalidValue) {
        guard let unit = Self.units.first(where: { text.hasSuffix($0.name) }),
            let count = text.dropLast(unit.name.count).wholeNumber
        else { throw InvalidValue(text, Self.kind) }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
        guard !overflow else { throw InvalidValue(text, Self.kind, why: "it is too large") }
        bytes = UInt64(product)
        self.text = text
    }

    /// Sizes are equal however they were written: `1024KiB` is `1MiB`.
    public static func == (left: Self, right: Self) -> Bool { left.bytes == right.bytes }

    /// Smaller before larger.
    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }

    /// Equal sizes hash alike.
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}
