public import Journal
import LinuxSystem
import SystemPackage
public import Testing

/// A name with everything in it that a name can have: a newline, bytes that are no UTF-8, a terminal's escape, a
/// backslash, the characters that turn a line around, and the syntax of JSON and of the journal's export format.
let oddPath = FilePath(bytes: Array("/data/a\nPRIORITY=0\n\u{1B}[31m\\x\u{202E}\"{}".utf8) + [0xFF, 0xC3, 0x28, 0x7F])

let scanID = ScanID(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)

let counts: OutcomeCounts = {
    var counts = OutcomeCounts()
    counts.add(.clean, 5)
    counts.add(.unchanged, 4)
    counts.add(.infected(first: "Eicar-Test-Signature"), 1)
    for (number, reason) in Outcome.IncompleteReason.allCases.enumerated() {
        counts.add(.incomplete(reason), UInt64(number + 1))
    }
    for (number, reason) in Outcome.SkipReason.allCases.enumerated() {
        counts.add(.skipped(reason), UInt64(number + 1))
    }
    return counts
}()

private let odd = "line one\nline two \u{1B}[2J \"quoted\" \\x41 \u{202E}ü"

/// Every event with everything it can tell, told as badly as it can be.
let fullEvents: [Event] =
    [
        .scanStarted(
            ScanStarted(
                scanID: scanID, target: "system", paths: ["/", oddPath], trigger: .missedSchedule,
                signatures: SignatureSet(count: 8_700_000, version: "27700/2026-07-26"))),
        .scanProgress(
            ScanProgress(
                scanID: scanID, target: "system", files: 3, bytes: 99, filesKnown: 10, bytesKnown: 1000, path: oddPath)),
        .scanFinished(
            ScanFinished(
                scanID: scanID, target: "system",
                totals: ScanTotals(
                    counts: counts, bytes: .max, durationMicroseconds: 1_500_001, findings: 1,
                    completeness: .partial(because: odd)))),
        .scanInterrupted(
            ScanInterrupted(scanID: scanID, target: "system", reason: .failed, detail: odd, counts: counts)),
        .scanResumed(ScanResumed(scanID: scanID, target: "system", paths: ["/", oddPath], counts: counts)),
        .summary(
            ScanSummary(
                targets: ["system", "validators"],
                totals: ScanTotals(
                    counts: counts, bytes: 7, durationMicroseconds: 8, findings: 9,
                    completeness: .partial(because: odd)))),
        .fileQuarantined(
            FileQuarantined(
                path: oddPath, signature: "Eicar", quarantineID: "7f3a", target: "system", scanID: scanID,
                remainingNames: 2)),
        .fileRestored(
            FileRestored(path: oddPath, restoredTo: "/root/seen", signature: "Eicar", quarantineID: "7f3a")),
        .keyFileExposed(
            KeyFileExposed(
                path: oddPath, problems: KeyFileExposed.Problem.allCases, permissions: 0o7777, user: .max, group: .max,
                target: "validators", scanID: scanID)),
        .checkChanged(CheckChanged(check: "selinux", before: .pass, now: .unknown, evidence: odd)),
        .gateOpened(GateOpened(reason: odd, mode: .enforce)),
        .gateClosed(GateClosed(reason: odd, check: "vpn-route", mode: .enforce)),
        .gateOverride(
            GateOverride(action: .open(until: UnixTime(microseconds: 1_785_120_000_123_456)), reason: odd, uid: 1000)),
        .gateOverride(GateOverride(action: .close, reason: odd, uid: 0)),
        .gateTampered(GateTampered(what: odd, program: "nft\n", pid: 4711, answer: odd)),
        .signaturesLoaded(
            SignaturesLoaded(
                signatures: SignatureSet(count: 20_000, version: "27700"),
                databases: [
                    .init(name: "main", version: 62, built: UnixTime(seconds: 1_700_000_000)),
                    .init(name: "own", version: nil, built: nil),
                ], engine: "1.4.6")),
        .signaturesStale(SignaturesStale(database: "daily", ageSeconds: 200_000)),
        .configReloaded(ConfigReloaded(files: ["/etc/nodeguard/nodeguard.yaml", oddPath])),
        .configRejected(ConfigRejected(problem: odd, more: ["second", odd])),
        .stateProblem(StateProblem(path: oddPath, problem: .damaged, detail: odd)),
        .scanPlanned(
            ScanPlanned(
                target: "system", files: 9, bytes: 90, filesDue: 2, bytesDue: 20, seconds: 1.5, windowSeconds: 3600,
                reverifySeconds: 86400, keepsWindow: true, keepsReverify: false, warnings: [odd])),
        .agentStarted(AgentStarted(version: "0.1.0", mode: .observe)),
        .agentStopped(AgentStopped(reason: .failed, detail: odd)),
    ]
    + (allOutcomes + [.infected(first: "Eicar", others: ["Second.Match", "Third"])]).map {
        .file(FileReport(path: oddPath, outcome: $0, size: .max, target: "system", scanID: scanID, detail: odd))
    }

/// Every event with as little as it can tell.
let minimalEvents: [Event] =
    [
        .scanStarted(ScanStarted(scanID: scanID, target: nil, paths: [], trigger: .manual)),
        .scanProgress(ScanProgress(scanID: scanID, target: nil, files: 0, bytes: 0)),
        .scanFinished(ScanFinished(scanID: scanID, target: nil, totals: nothing)),
        .scanInterrupted(
            ScanInterrupted(scanID: scanID, target: nil, reason: .window, counts: OutcomeCounts())),
        .scanResumed(ScanResumed(scanID: scanID, target: nil, paths: [], counts: OutcomeCounts())),
        .stateProblem(StateProblem(path: "/a", problem: .busy, detail: "")),
        .scanPlanned(
            ScanPlanned(
                target: nil, files: 0, bytes: 0, filesDue: 0, bytesDue: 0, seconds: nil, windowSeconds: nil,
                reverifySeconds: 1, keepsWindow: nil, keepsReverify: nil, warnings: [])),
        .summary(ScanSummary(targets: [], totals: nothing)),
        .fileQuarantined(
            FileQuarantined(path: "/a", signature: "S", quarantineID: "1", target: nil, scanID: scanID)),
        .fileRestored(FileRestored(path: "/a", restoredTo: "/a", signature: "S", quarantineID: "1")),
        .keyFileExposed(
            KeyFileExposed(
                path: "/a", problems: [.replaceable], permissions: 0, user: 0, group: 0, target: nil, scanID: scanID)),
        .checkChanged(CheckChanged(check: "selinux", before: nil, now: .pass, evidence: "enforcing")),
        .gateOpened(GateOpened(reason: "every check passes", mode: .observe)),
        .gateClosed(GateClosed(reason: "start", check: nil, mode: .disabled)),
        .gateOverride(GateOverride(action: .resume, reason: "expired", uid: nil)),
        .gateTampered(GateTampered(what: "table gone", program: nil, pid: nil, answer: "installed again")),
        .signaturesLoaded(SignaturesLoaded(signatures: SignatureSet(count: 0), databases: [], engine: "1")),
        .signaturesStale(SignaturesStale(database: "main", ageSeconds: 0)),
        .configReloaded(ConfigReloaded(files: [])),
        .configRejected(ConfigRejected(problem: "nodeguard.yaml:3: unknown key")),
        .agentStarted(AgentStarted(version: "1", mode: .enforce)),
        .agentStopped(AgentStopped(reason: .requested)),
    ]
    + allOutcomes.map {
        .file(FileReport(path: "/a b/ü", outcome: $0, size: nil, target: nil, scanID: scanID))
    }

private let nothing = ScanTotals(
    counts: OutcomeCounts(), bytes: 0, durationMicroseconds: 0, findings: 0, completeness: .complete)

let allOutcomes: [Outcome] =
    [.clean, .unchanged, .infected(first: "Eicar")] + Outcome.IncompleteReason.allCases.map { .incomplete($0) }
    + Outcome.SkipReason.allCases.map { .skipped($0) }

extension Event: CustomTestStringConvertible {
    /// Its name: the report of a test needs no more.
    public var testDescription: String { kind.name.rawValue }
}
