/// A length of time as the configuration and the command line write it: `500ms`, `15s`, `10m`, `24h`, `30d`.
public struct TimeSpan: TextValue, Comparable {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "duration", write: "a whole number and its unit (ms, s, m, h or d), as in 500ms, 15s, 10m, 24h or 30d")

    /// The length in milliseconds, 0 or more.
    public let milliseconds: Int64
    /// The length as it was written.
    public let text: String

    private static let units: [(name: String, milliseconds: Int64)] = [
        // "ms" before "m" and "s": the first suffix that fits is the unit.
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Reads `15s` and the like. A sum such as `1h30m` is refused: there is one way to write a length.
    public init(parsing text: String) throws(InvalidValue) {
        guard let unit = Self.units.first(where: { text.hasSuffix($0.name) }) else {
            let why = text.wholeNumber == nil ? nil : "the unit is missing, as in \(text)s; write \(Self.kind.allowed)"
            throw InvalidValue(text, Self.kind, why: why)
        }
        guard let count = text.dropLast(unit.name.count).wholeNumber else { throw InvalidValue(text, Self.kind) }
        let (product, overflow) = Int64(count).multipliedReportingOverflow(by: unit.milliseconds)
        // A hundred years: whatever is longer is a slip, and sums of it could overflow.
        guard !overflow, product <= 100 * 366 * 86_400_000 else {
            throw InvalidValue(text, Self.kind, why: "it is longer than a hundred years")
        }
        milliseconds = product
        self.text = text
    }

    /// The length as Swift's own type.
    public var duration: Duration { .milliseconds(milliseconds) }

    /// Lengths are equal however they were written: `60s` is `1m`.
    public static func == (left: Self, right: Self) -> Bool { left.milliseconds == right.milliseconds }

    /// Shorter before longer.
    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// Equal lengths hash alike.
    public func hash(into hasher: inout Hasher) { hasher.combine(milliseconds) }
}
