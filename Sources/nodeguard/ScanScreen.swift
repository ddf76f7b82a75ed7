import Glibc
import Journal
import LinuxSystem
import SystemPackage

/// What a person sees of a scan: findings and problems as lines on stdout, progress on a terminal's last line, and the
/// sums at the end. With `--json`, the events themselves and nothing else.
struct ScanScreen {
    private let json: Bool
    private let roots: Set<FilePath>
    private var progress = ProgressLine()
    private var isPlan = false
    private var signatures: SignaturesLoaded?
    /// Paths given to scan that were not looked at at all, for another reason than being excluded.
    private(set) var skippedRoots = 0
    /// What came to this, and since when.
    private var counts = OutcomeCounts()
    private var bytes: UInt64 = 0
    private let began = monotonicNanoseconds()
    /// Whether any file was infected.
    private(set) var foundSomething = false
    /// Why the standard output did not take everything: a full disk must not end a scan, which is told elsewhere too.
    private(set) var problem: Errno?

    /// Whether stderr is a terminal that can show progress.
    static var isTerminal: Bool {
        isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb" && environment("NO_COLOR") == nil
    }

    init(json: Bool, roots: Set<FilePath>) {
        self.json = json
        self.roots = roots
    }

    /// - Throws: where nobody reads the output any more.
    mutating func show(_ event: Event) throws {
        if case .file(let file) = event { count(file) }
        if case .scanProgress(let scan) = event { progress.show(scan) }
        if json {
            try write(event.jsonLine())
            return
        }
        switch event {
        case .signaturesLoaded(let loaded): signatures = loaded
        case .file(let file): try line(file)
        case .scanPlanned(let plan):
            isPlan = true
            try put(plan)
        case .stateProblem(let problem): printError("note: \(printable(problem.path)): \(problem.detail)")
        case .scanResumed: printError("note: \(event.message)")
        case .summary(let summary): if !isPlan { try sums(summary.totals) }
        case .fileQuarantined(let aside):
            let others = aside.remainingNames == 0 ? "" : "; \(aside.remainingNames) other names of it remain"
            try put("SET ASIDE   \(printable(aside.path))  as \(aside.quarantineID)\(others)")
        default: break
        }
    }

    mutating func end() { progress.clear() }

    private mutating func count(_ file: FileReport) {
        counts.add(file.outcome)
        switch file.outcome {
        case .infected:
            foundSomething = true
            bytes += file.size ?? 0
        case .clean: bytes += file.size ?? 0
        case .skipped: if roots.contains(file.path) { skippedRoots += 1 }
        case .unchanged, .incomplete: break
        }
    }

    /// The summary of a scan that told none, made of the files that were told.
    func counted(_ targets: [String], because reason: String) -> ScanSummary {
        ScanSummary(
            targets: targets,
            totals: ScanTotals(
                counts: counts, bytes: bytes, durationMicroseconds: (monotonicNanoseconds() - began) / 1000,
                findings: counts[.infected], completeness: .partial(because: reason)))
    }

    private mutating func line(_ file: FileReport) throws {
        switch file.outcome {
        case .clean, .unchanged: return
        case .infected(let first, let others):
            try put(
                "INFECTED    \(printable(file.path))  \(([first] + others).map { printable($0.utf8) }.joined(separator: ", "))"
                    + explained(file.detail))
        case .incomplete(let reason):
            try put("INCOMPLETE  \(printable(file.path))  \(reason.rawValue)\(explained(file.detail))")
        case .skipped(let reason):
            try put("SKIPPED     \(printable(file.path))  \(reason.rawValue)\(explained(file.detail))")
        }
    }

    private mutating func put(_ plan: ScanPlanned) throws {
        let name = plan.target.map { "\($0): " } ?? ""
        let time = plan.seconds.map { "about \(Quantity.seconds($0))" } ?? "how long is not known before a first scan"
        try put(
            "\(name)\(plan.filesDue) of \(plan.files) files to look at, \(Quantity.bytes(plan.bytesDue)) of "
                + "\(Quantity.bytes(plan.bytes)), \(time)")
        for warning in plan.warnings { printError("warning: \(name)\(warning)") }
    }

    private mutating func sums(_ totals: ScanTotals) throws {
        let counts = totals.counts
        let seconds = Double(totals.durationMicroseconds) / 1_000_000
        try put("")
        try put(
            "\(counts.total) files met: "
                + Outcome.Kind.allCases.map { kind in
                    let reasons = counts.reasons(of: kind).map { "\($0.files) \($0.reason)" }
                    return "\(counts[kind]) \(kind.rawValue)"
                        + (reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))")
                }.joined(separator: ", "))
        var last = "\(Quantity.bytes(totals.bytes)) looked at in \(Quantity.seconds(seconds))"
        if let signatures {
            last += ", for \(signatures.signatures.count) signatures, with ClamAV \(signatures.engine)"
            for note in signatures.notes { printError("note: \(note)") }
        }
        try put(last)
        if case .partial(let reason) = totals.completeness { try put("NOT COMPLETE: \(reason)") }
    }

    private func explained(_ detail: String?) -> String {
        detail.map { ": \(printable($0.utf8))" } ?? ""
    }

    private mutating func put(_ line: String) throws {
        progress.clear()
        try write(Array((line + "\n").utf8))
    }

    private mutating func write(_ bytes: [UInt8]) throws {
        do {
            try FileDescriptor.standardOutput.writeAll(bytes)
        } catch Errno.brokenPipe {
            throw NobodyReads()
        } catch {
            problem = problem ?? (error as? Errno) ?? .ioError
        }
    }
}

/// Whoever read the standard output has gone.
struct NobodyReads: Error, CustomStringConvertible {
    let description = "nobody reads the output any more; what was not reached was not scanned"
}

/// The last line of a terminal: files, bytes, rate, and the time left once it is known how much there is.
struct ProgressLine {
    private let isShown = ScanScreen.isTerminal
    private var isDrawn = false
    private let began = monotonicNanoseconds()

    mutating func show(_ scan: ScanProgress) {
        guard isShown else { return }
        let seconds = Double(monotonicNanoseconds() - began) / 1e9
        let rate = seconds > 0 ? Double(scan.bytes) / seconds : 0
        var text = "\(scan.files)"
        if let files = scan.filesKnown { text += " of \(files)" }
        text += " files, \(Quantity.bytes(scan.bytes)), \(Quantity.bytes(UInt64(rate)))/s"
        if let files = scan.filesKnown, let bytes = scan.bytesKnown, seconds > 1 {
            text += left(scan, files, bytes, seconds)
        }
        if let path = scan.path { text += "  \(printable(path))" }
        let width = Self.width
        let cut = text.unicodeScalars.count < width ? text : String(text.unicodeScalars.prefix(width - 1))
        write("\r\u{1b}[K" + cut)
        isDrawn = true
    }

    mutating func clear() {
        if isDrawn { write("\r\u{1b}[K") }
        isDrawn = false
    }

    /// Every file has a price and every byte has one: the share that is done is the mean of both.
    private func left(_ scan: ScanProgress, _ files: UInt64, _ bytes: UInt64, _ seconds: Double) -> String {
        let share = (Double(scan.files) / Double(max(files, 1)) + Double(scan.bytes) / Double(max(bytes, 1))) / 2
        guard share > 0.01, share <= 1 else { return "" }
        return ", \(Quantity.seconds(seconds / share - seconds)) left"
    }

    /// Columns of the terminal; 80 where it does not say, or not the truth.
    private static var width: Int {
        let columns = terminalColumns(of: .standardError) ?? 0
        return columns > 10 ? columns : 80
    }

    private func write(_ text: String) {
        _ = try? FileDescriptor.standardError.writeAll(text.utf8)
    }
}

/// Quantities as a person reads them.
enum Quantity {
    /// Bytes with a binary unit: `1.5 GiB`.
    static func bytes(_ count: UInt64) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return unit == "B" ? "\(count) B" : "\(tenths(value)) \(unit)" }
            value /= 1024
        }
        return "\(tenths(value)) TiB"
    }

    /// A duration: `40 ms`, `4.2 s`, `3 min 20 s`, `5 h 2 min`.
    static func seconds(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
        if seconds < 60 { return "\(tenths(seconds)) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// A variable of the environment.
func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
