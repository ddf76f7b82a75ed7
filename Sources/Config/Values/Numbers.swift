/// A share of a hundred, to two decimals as the kernel's pressure files print it: `10`, `7.5`.
public struct Percentage: Hashable, Sendable, Comparable {
    /// The share in hundredths of a percent: 1 to 10000.
    public let hundredths: Int

    /// A share of whole percent, or nil where it is not from 1 to 100.
    public init?(_ percent: Int) {
        guard (1...100).contains(percent) else { return nil }
        hundredths = percent * 100
    }

    init?(hundredths: Int) {
        guard (1...10_000).contains(hundredths) else { return nil }
        self.hundredths = hundredths
    }

    /// The share in percent.
    public var percent: Double { Double(hundredths) / 100 }

    /// Smaller before larger.
    public static func < (left: Self, right: Self) -> Bool { left.hundredths < right.hundredths }
}

/// How many files are scanned at once.
public enum WorkerCount: Hashable, Sendable {
    /// One for each processor that the scan may use.
    case auto
    /// This many: 1 to 256.
    case exactly(UInt16)
}

/// The number of a user other than root.
public struct UserID: Hashable, Sendable {
    /// The number, never 0 and never 4294967295, which the kernel takes for "none".
    public let number: UInt32

    /// A user, or nil for the two numbers that stand for none.
    public init?(_ number: UInt32) {
        guard number != 0, number != .max else { return nil }
        self.number = number
    }
}
