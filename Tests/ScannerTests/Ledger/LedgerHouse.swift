import FoundationEssentials
import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// A tree, signatures, a state folder and a configuration of a test's own, scanned by the real programs.
final class LedgerHouse {
    let folder: TemporaryFolder
    var tree: FilePath { folder.path.appending("tree") }
    var signatures: FilePath { folder.path.appending("signatures") }
    var state: FilePath { folder.path.appending("state") }
    var ledger: FilePath { state.appending("ledger/files") }

    /// What the only signature matches. As long as ``good``.
    static let bad = "nodeguard ledger: these bytes are evil\n"
    static let good = "nodeguard ledger: these bytes are fine\n"

    init() throws {
        folder = try TemporaryFolder()
        for name in ["tree", "signatures", "state"] {
            try makeFolder(folder.path.appending(name), permissions: FilePermissions(rawValue: 0o755))
        }
        try writeSignature("first.ndb", named: "Test.Ledger", for: String(Self.bad.dropLast()))
        try folder.write(
            "nodeguard.yaml",
            """
            scan:
              signatures: "\(signatures)"
              workers: 1
              throttle: {ioPressure: null}
            paths: {state: "\(state)", runtime: "\(folder.path)/run"}
            journal: {enabled: false}
            metrics: {textfile: null}

            """)
    }

    /// A database with one signature that matches this text.
    func writeSignature(_ file: String, named name: String, for text: String) throws {
        let digits = text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        try folder.write("signatures/\(file)", "\(name):0:*:\(digits)\n")
    }

    /// Files with contents of their own, none of them bad.
    func fill(_ count: Int) throws {
        for number in 0..<count { try folder.write("tree/d\(number % 7)/file-\(number)", "content \(number)\n") }
    }

    /// Runs a shell script in the tree; `$1` and so on are the arguments.
    func shell(_ script: String, _ arguments: String...) throws {
        let result = try runProgram(["/bin/sh", "-euc", script, "sh"] + arguments, in: tree)
        guard result.status == 0 else { throw ShellFailure(description: "\(script): \(result.errors)") }
    }

    /// Waits until every change made until now is on the disk, and so old that a look at it may be remembered.
    func waitUntilSettled() throws {
        try shell("find .. -type f -exec sync -d {} +")
        try waitUntilOld()
    }

    /// Waits until every change made until now is more than two seconds old.
    func waitUntilOld() throws {
        let changed = try runProgram(["/bin/date", "+%s%N"])
        let now = try #require(Int64(changed.output.split(separator: "\n")[0]))
        while UnixTime.now().microseconds * 1000 < now + 2_050_000_000 { usleep(20000) }
    }

    func command(_ options: [String] = [], _ paths: [FilePath] = []) throws -> [String] {
        try [
            builtProgram("nodeguard"), "scan-now", "--json", "--config", folder.path.appending("nodeguard.yaml").string,
        ]
            + options + ["--"] + (paths.isEmpty ? [tree] : paths).map(\.string)
    }

    func scan(_ options: String..., paths: [FilePath] = [], under wrapper: [String] = []) throws -> LedgerScan {
        try LedgerScan(runProgram(wrapper + command(options, paths)))
    }

    /// A session with an order of the test's own.
    func session(_ change: (inout SessionOrder) -> Void) throws -> LedgerScan {
        var order = SessionOrder(
            targets: [SessionOrder.Target(name: "test", paths: [tree])], signatures: signatures, workers: 1,
            scratchParent: state.appending("scratch"), report: .everything)
        order.state = state
        change(&order)
        return try LedgerScan(
            runProgram([builtProgram("nodeguard"), "scan-session"], input: Array(JSONEncoder().encode(order))))
    }
}

struct ShellFailure: Error, CustomStringConvertible {
    let description: String
}

/// What a scan told; half a line at the end is what a killed one leaves.
struct LedgerScan {
    let program: ProgramResult
    private(set) var events: [Event] = []

    init(_ program: ProgramResult) throws {
        self.program = program
        var reader = EventLineReader()
        reader.append(program.stdout)
        while let event = try reader.next() { events.append(event) }
    }

    var status: Int32? { program.status }
    var counts: OutcomeCounts {
        events.compactMap { if case .summary(let last) = $0 { last.totals.counts } else { nil } }.last
            ?? OutcomeCounts()
    }
    var files: [FileReport] { events.compactMap { if case .file(let file) = $0 { file } else { nil } } }
    var problems: [StateProblem] { events.compactMap { if case .stateProblem(let one) = $0 { one } else { nil } } }
    var startedEngine: Bool { events.contains { if case .signaturesLoaded = $0 { true } else { false } } }
    var resumed: ScanResumed? { events.compactMap { if case .scanResumed(let scan) = $0 { scan } else { nil } }.first }
    var interrupted: ScanInterrupted? {
        events.compactMap { if case .scanInterrupted(let scan) = $0 { scan } else { nil } }.first
    }
    var finished: ScanFinished? {
        events.compactMap { if case .scanFinished(let scan) = $0 { scan } else { nil } }.last
    }
    var started: ScanStarted? { events.compactMap { if case .scanStarted(let scan) = $0 { scan } else { nil } }.first }

    func report(_ name: String) -> FileReport? {
        let found = files.filter { $0.path.lastComponent?.string == name }
        return found.count == 1 ? found[0] : nil
    }
    func outcome(_ name: String) -> Outcome? { report(name)?.outcome }
}
