/// How many files ended in which outcome.
///
/// Sums stop at `UInt64.max` rather than trap: the numbers may come from another process.
public struct OutcomeCounts: Equatable, Sendable {
    private var clean: UInt64 = 0
    private var unchanged: UInt64 = 0
    private var infected: UInt64 = 0
    private var incomplete: [Outcome.IncompleteReason: UInt64] = [:]
    private var skipped: [Outcome.SkipReason: UInt64] = [:]

    /// No file counted yet.
    public init() {}

    /// Counts one file, or several that ended alike.
    public mutating func add(_ outcome: Outcome, _ files: UInt64 = 1) {
        guard files > 0 else { return }
        switch outcome {
        case .clean: clean = sum(clean, files)
        case .unchanged: unchanged = sum(unchanged, files)
        case .infected: infected = sum(infected, files)
        case .incomplete(let reason): incomplete[reason] = sum(incomplete[reason] ?? 0, files)
        case .skipped(let reason): skipped[reason] = sum(skipped[reason] ?? 0, files)
        }
    }

    /// Counts every file of another count as well: a summary over several targets.
    public mutating func add(_ other: OutcomeCounts) {
        clean = sum(clean, other.clean)
        unchanged = sum(unchanged, other.unchanged)
        infected = sum(infected, other.infected)
        incomplete.merge(other.incomplete, uniquingKeysWith: sum)
        skipped.merge(other.skipped, uniquingKeysWith: sum)
    }

    /// Files with this outcome, whatever the reason.
    public subscript(kind: Outcome.Kind) -> UInt64 {
        switch kind {
        case .clean: clean
        case .unchanged: unchanged
        case .infected: infected
        case .incomplete: incomplete.values.reduce(0, sum)
        case .skipped: skipped.values.reduce(0, sum)
        }
    }

    /// Files with exactly this outcome and reason (an infected file counts whatever its signature).
    public subscript(exactly outcome: Outcome) -> UInt64 {
        switch outcome {
        case .clean: clean
        case .unchanged: unchanged
        case .infected: infected
        case .incomplete(let reason): incomplete[reason] ?? 0
        case .skipped(let reason): skipped[reason] ?? 0
        }
    }

    /// All files: the sum over the outcomes.
    public var total: UInt64 { Outcome.Kind.allCases.reduce(0) { sum($0, self[$1]) } }

    /// The reasons of one outcome with their counts, the most frequent first.
    public func reasons(of kind: Outcome.Kind) -> [(reason: String, files: UInt64)] {
        let counts: [(reason: String, files: UInt64)] =
            switch kind {
            case .clean, .unchanged, .infected: []
            case .incomplete: incomplete.map { ($0.key.rawValue, $0.value) }
            case .skipped: skipped.map { ($0.key.rawValue, $0.value) }
            }
        return counts.sorted { ($1.files, $0.reason) < ($0.files, $1.reason) }
    }
}

private func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
}

extension OutcomeCounts: Codable {
    private enum Key: String, CodingKey {
        case files, clean, unchanged, infected, incomplete, skipped, incompleteReasons, skippedReasons
    }

    /// Writes `{"files":…,"clean":…,…,"incompleteReasons":{…},"skippedReasons":{…}}`; a reason that did not occur
    /// is left out, an outcome that did not occur is 0.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(total, forKey: .files)
        try container.encode(clean, forKey: .clean)
        try container.encode(unchanged, forKey: .unchanged)
        try container.encode(infected, forKey: .infected)
        try container.encode(self[.incomplete], forKey: .incomplete)
        try container.encode(self[.skipped], forKey: .skipped)
        try container.encode(incomplete, forKey: .incompleteReasons)
        try container.encode(skipped, forKey: .skippedReasons)
    }

    /// Reads what ``encode(to:)`` writes.
    ///
    /// - Throws: `DecodingError` where a sum is not the sum of its parts or a reason is unknown: counts that do not
    ///   add up are not told on.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        clean = try container.decode(UInt64.self, forKey: .clean)
        unchanged = try container.decode(UInt64.self, forKey: .unchanged)
        infected = try container.decode(UInt64.self, forKey: .infected)
        incomplete = try container.decode([Outcome.IncompleteReason: UInt64].self, forKey: .incompleteReasons)
            .filter { $0.value > 0 }
        skipped = try container.decode([Outcome.SkipReason: UInt64].self, forKey: .skippedReasons)
            .filter { $0.value > 0 }
        for (key, expected) in [(Key.incomplete, self[.incomplete]), (.skipped, self[.skipped]), (.files, total)]
        where try container.decode(UInt64.self, forKey: key) != expected {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container, debugDescription: "the counts do not add up")
        }
    }
}
