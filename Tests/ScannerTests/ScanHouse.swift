import EngineProtocol
import FoundationEssentials
import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// Everything that one scan of a test needs, in a fresh folder: a sample to scan, signatures of the test's own, a
/// configuration, a state folder. The scan itself is done by the real programs with the real libclamav.
final class ScanHouse {
    let folder: TemporaryFolder
    /// The folder that is to be scanned.
    var sample: FilePath { folder.path.appending("sample") }
    /// The folder of the signatures.
    var signatures: FilePath { folder.path.appending("signatures") }
    var configuration: FilePath { folder.path.appending("nodeguard.yaml") }
    /// The state folder of the configuration; scans unpack in it.
    var state: FilePath { folder.path.appending("state") }

    /// What the signature ``signature`` matches, wherever it stands.
    static let bad = Array("nodeguard-tests: these bytes are as bad as it gets".utf8)
    static let signature = "Test.Bad.UNOFFICIAL"
    /// Nothing that any signature matches.
    static let good = Array("Nothing is wrong with these bytes.\n".utf8)

    init(workers: Int = 1) throws {
        folder = try TemporaryFolder()
        for path in [sample, signatures] { try makeFolder(path, permissions: FilePermissions(rawValue: 0o755)) }
        try folder.write(
            "signatures/test.ndb", "Test.Bad:0:*:\(hexadecimal(String(decoding: Self.bad, as: UTF8.self)))\n")
        try folder.write(
            "nodeguard.yaml",
            """
            scan: {signatures: "\(signatures)", workers: \(workers)}
            paths: {state: "\(state)", runtime: "\(folder.path)/run"}
            journal: {enabled: false}
            metrics: {textfile: null}

            """)
    }

    /// Writes a file into the sample.
    @discardableResult
    func put(_ name: String, _ content: [UInt8]) throws -> FilePath {
        let path = try folder.write("sample/\(name)", "")
        let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
        try file.closeAfter { _ = try file.writeAll(content) }
        return path
    }

    /// Runs a shell script in the sample; `$1` and so on are the arguments.
    func shell(_ script: String, _ arguments: String...) throws {
        let result = try runProgram(["/bin/sh", "-euc", script, "sh"] + arguments, in: sample)
        guard result.status == 0 else { throw HouseFailure("\(script): \(result.end): \(result.errors)") }
    }

    /// Lets everybody into the house, so that a scan can be run by an unprivileged user.
    func open() throws {
        try shell("chmod 755 ..; mkdir -p -m 777 ../state")
    }

    // MARK: Scanning

    /// The command line of `scan-now --json` for these paths; none: the sample.
    func command(_ paths: [FilePath] = []) throws -> [String] {
        try [builtProgram("nodeguard"), "scan-now", "--json", "--config", configuration.string, "--"]
            + (paths.isEmpty ? [sample] : paths).map(\.string)
    }

    /// Scans with `nodeguard scan-now --json`.
    func scan(_ paths: FilePath..., under wrapper: [String] = []) throws -> ScanResult {
        try ScanResult(runProgram(wrapper + command(paths)))
    }

    /// Starts `nodeguard scan-now --json`.
    func start(_ paths: FilePath..., under wrapper: [String] = []) throws -> RunningScan {
        RunningScan(try RunningProgram(wrapper + command(paths)))
    }

    /// The order that a session gets for the sample.
    func order(_ change: (inout SessionOrder) -> Void = { _ in }) throws -> SessionOrder {
        try makeFolder(state, permissions: .ownerReadWriteExecute)
        var order = SessionOrder(
            targets: [SessionOrder.Target(name: nil, paths: [sample])], signatures: signatures, workers: 1,
            scratchParent: state.appending("scratch"), report: .everything)
        change(&order)
        return order
    }

    /// Scans with `nodeguard scan-session`, which takes limits and a scratch folder.
    func session(under wrapper: [String] = [], _ change: (inout SessionOrder) -> Void = { _ in }) throws -> ScanResult {
        let order = try Array(JSONEncoder().encode(order(change)))
        return try ScanResult(runProgram(wrapper + [builtProgram("nodeguard"), "scan-session"], input: order))
    }

    /// What scans have left in the state folder.
    func scratch() throws -> [String] {
        let found = try runProgram(["/usr/bin/find", state.appending("scratch").string, "-mindepth", "1"])
        return found.output.split(separator: "\n").map(String.init)
    }
}

/// Text as signatures have it.
func hexadecimal(_ text: String) -> String {
    text.utf8.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
}

struct HouseFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What a scan told, and how it ended.
struct ScanResult {
    let program: ProgramResult
    let events: [Event]

    /// - Throws: where stdout is anything but whole events.
    init(_ program: ProgramResult) throws {
        self.program = program
        var reader = EventLineReader()
        reader.append(program.stdout)
        var events: [Event] = []
        while let event = try reader.next() { events.append(event) }
        try reader.finish()
        self.events = events
        // Not a matter of any single test: counts that do not add up are a hole in every one.
        if let summary, summary.totals.counts.total != UInt64(files.count) {
            Issue.record("\(files.count) files were told, \(summary.totals.counts.total) counted")
        }
    }

    var status: Int32? { program.status }
    var errors: String { program.errors }
    var files: [FileReport] { events.compactMap { if case .file(let file) = $0 { file } else { nil } } }
    var summary: ScanSummary? { events.compactMap { if case .summary(let last) = $0 { last } else { nil } }.last }
    var counts: OutcomeCounts { summary?.totals.counts ?? OutcomeCounts() }
    var notes: [String] {
        events.flatMap { if case .signaturesLoaded(let loaded) = $0 { loaded.notes } else { [String]() } }
    }
    var completeness: ScanTotals.Completeness? { summary?.totals.completeness }

    /// The outcome of the only file with this name in its folder.
    func outcome(_ name: String) -> Outcome? { report(name)?.outcome }

    /// What was told of the only file with this name in its folder.
    func report(_ name: String) -> FileReport? {
        let found = files.filter { $0.path.lastComponent?.string == name }
        return found.count == 1 ? found[0] : nil
    }
}

/// A `scan-now` that runs beside the test.
struct RunningScan: ~Copyable {
    let program: RunningProgram

    init(_ program: RunningProgram) { self.program = program }

    func finish() throws -> ScanResult { try ScanResult(program.finish()) }

    /// The session's process.
    func session() throws -> Int32 {
        try waitFor("the scan session") { Processes.children(of: program.pid).first }
    }

    /// The engine's process.
    func engine() throws -> Int32 {
        let session = try session()
        return try waitFor("the engine") {
            Processes.children(of: session).first { Processes.name(of: $0) == "nodeguard-engin" }
        }
    }

    /// The only worker's process.
    func worker() throws -> Int32 {
        let engine = try engine()
        return try waitFor("a worker") { Processes.children(of: engine).first }
    }
}

extension Outcome {
    /// Infected by the only signature that a ``ScanHouse`` has.
    static let bad = Outcome.infected(first: ScanHouse.signature)
}

extension ScanHouse {
    /// Runs what follows as a user without any right, setpriv(1). Needs root.
    static let unprivileged = [
        "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
    ]
}
