import EngineProtocol
import FoundationEssentials
import Glibc
import Journal
import Scanner
import SystemPackage
import TestSupport

/// A scan by a real session and a real, confined engine with faults put into its workers, in a folder of its own.
final class ConfinedScan {
    /// Who starts the session.
    enum Starter {
        /// The user of the tests.
        case ourselves
        /// Nobody, by setpriv(1): needs root.
        case nobody
        /// Ourselves, on a machine whose /etc/passwd has this line too, in a mount namespace: needs root.
        case withUser(String)
    }

    /// Part of every file of `infected`.
    static let infection = "nodeguard-fault-tests-pattern"

    /// The signatures of the demonstration, which know clamav-testfiles.
    static let demoSignatures = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent().appending("config/demo/signatures")

    let folder: TemporaryFolder
    /// The engine's path, by which its processes are known.
    let engine: FilePath
    private let probe: FilePath

    init() throws {
        folder = try TemporaryFolder()
        engine = folder.path.appending("engine")
        probe = folder.path.appending("probe")
        for (name, copy) in [("faulty-engine", engine), ("session-probe", probe)] {
            let result = try runProgram(["cp", "--", try builtProgram(name), copy.string])
            guard result.status == 0 else { throw CannotCopy(why: result.errors) }
        }
        let pattern = Self.infection.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try folder.write("signatures/test.ndb", "Test.Infection:0:*:\(pattern)\n")
        try folder.write("tree/.keep", "")
        _ = try runProgram(["rm", "--", folder.path.appending("tree/.keep").string])
    }

    /// Puts a file into the tree.
    func add(_ name: String, _ text: String) throws {
        try folder.write("tree/\(name)", text)
    }

    /// What a finished scan told.
    struct Report {
        let files: [String: FileReport]
        let totals: ScanTotals?
        let notes: [String]
        let errors: String
        let end: ProgramEnd

        func outcome(_ name: String) -> Outcome? { files[name]?.outcome }
    }

    /// Scans the tree, or the folder given.
    func run(
        of tree: FilePath? = nil, signatures: FilePath? = nil, as starter: Starter = .ourselves,
        limits: EngineLimits = .standard, workers: Int = 2
    ) throws -> Report {
        let program = try start(of: tree, signatures: signatures, as: starter, limits: limits, workers: workers)
        let result = try program.finish(deadline: 400)
        var reader = EventLineReader()
        reader.append(result.stdout)
        var files: [String: FileReport] = [:]
        var totals: ScanTotals?
        var notes: [String] = []
        while let event = try reader.next() {
            switch event {
            case .file(let file): files[file.path.lastComponent?.string ?? ""] = file
            case .summary(let summary): totals = summary.totals
            case .signaturesLoaded(let loaded): notes = loaded.notes
            default: break
            }
        }
        return Report(files: files, totals: totals, notes: notes, errors: result.errors, end: result.end)
    }

    /// Starts to scan.
    func start(
        of tree: FilePath? = nil, signatures: FilePath? = nil, as starter: Starter = .ourselves,
        limits: EngineLimits = .standard, workers: Int = 2
    ) throws -> RunningProgram {
        let order = SessionOrder(
            targets: [.init(name: nil, paths: [tree ?? folder.path.appending("tree")])],
            signatures: signatures ?? folder.path.appending("signatures"), workers: workers, limits: limits,
            scratchParent: folder.path.appending("scratch"), report: .everything)
        var command = [probe.string, engine.string]
        switch starter {
        case .ourselves: break
        case .nobody:
            // A user of whom nothing here is the own.
            _ = try runProgram(["chmod", "-R", "a+rX", "--", folder.path.string])
            _ = try runProgram([
                "install", "-d", "-o", "65534", "-g", "65534", "-m", "700", "--",
                folder.path.appending("scratch").string,
            ])
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] + command
        case .withUser(let line):
            let passwd = try folder.write("passwd", "root:x:0:0:root:/root:/bin/sh\n\(line)\n")
            let script = "mount --bind \"$1\" /etc/passwd; shift; exec \"$@\""
            command = ["unshare", "--mount", "sh", "-euc", script, "sh", passwd.string] + command
        }
        return try RunningProgram(command, input: Array(JSONEncoder().encode(order)))
    }

    /// The processes of this scan's engine: the engine itself first, then its workers.
    func engineProcesses() throws -> [Int32] {
        let running = Self.processes().filter { Self.read("/proc/\($0)/cmdline").hasPrefix(engine.string + "\0") }
        let parents = Dictionary(uniqueKeysWithValues: running.map { ($0, Self.status(of: $0)["PPid"] ?? "") })
        return running.sorted { left, right in
            let isWorker = { (id: Int32) in running.contains { "\($0)" == parents[id] } }
            return (isWorker(left) ? 1 : 0, left) < (isWorker(right) ? 1 : 0, right)
        }
    }

    /// The fields of /proc/PID/status, proc(5).
    static func status(of process: Int32) -> [String: String] {
        var fields: [String: String] = [:]
        for line in read("/proc/\(process)/status").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[String(parts[0])] = parts[1].split { $0 == "\t" || $0 == " " }.joined(separator: " ")
        }
        return fields
    }

    /// What is left of the scratch folders.
    func scratchLeft() throws -> String {
        try runProgram(["find", folder.path.appending("scratch").string, "-mindepth", "1"]).output
    }

    private static func processes() -> [Int32] {
        let list = (try? runProgram(["ls", "/proc"]).output) ?? ""
        return list.split(separator: "\n").compactMap { Int32($0) }
    }

    /// A file of /proc; empty where its process is gone.
    static func read(_ path: String) -> String {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else { return "" }
        defer { try? file.close() }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while let count = try? unsafe buffer.withUnsafeMutableBytes({ try unsafe file.read(into: $0) }), count > 0 {
            text += buffer.prefix(count)
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Whether the tests run as root, as some of them must.
let isRoot = geteuid() == 0

private struct CannotCopy: Error {
    let why: String
}
