import Glibc
import SystemPackage
import TestSupport
import Testing

/// Sessions in a unit of their own, started for each connection as nodeguard-scan.socket does it, by systemd's own program
/// for trying that.
@Suite struct ScanUnitTests {
    private let folder: TemporaryFolder
    private let configuration: FilePath
    private let socket: String
    private let listener: RunningProgram

    init() throws {
        folder = try TemporaryFolder()
        // Made of two parts, so that this file is not itself taken for a finding.
        let hexadecimal = "nodeguard-bad".utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try folder.write("signatures/t.ndb", "Bad:0:*:\(hexadecimal)\n")
        try folder.write("tree/clean", "nothing\n")
        try folder.write("tree/infected", "nodeguard-" + "bad\n")
        configuration = try folder.write("n.yaml", Self.settings(folder))
        socket = "\(folder.path)/scan.sock"
        listener = try RunningProgram(
            [
                "systemd-socket-activate", "--accept", "--inetd", "--seqpacket", "-l", socket,
                builtProgram("nodeguard"), "scan-session", "--accepted",
            ], environment: ["PATH": "/usr/bin:/bin"])
        try listener.waitForErrors("Listening on")
    }

    private static func settings(_ folder: TemporaryFolder, throttle: String = "{}") -> String {
        """
        scan: { signatures: \(folder.path)/signatures, throttle: \(throttle) }
        journal: { enabled: false }
        metrics: { textfile: \(folder.path)/metrics.prom }
        paths: { state: \(folder.path)/state, runtime: \(folder.path)/run }

        """
    }

    private func scan(at socket: String) throws -> RunningProgram {
        try RunningProgram(
            [builtProgram("nodeguard"), "scan-now", "--json", "--config", configuration.string, "\(folder.path)/tree"],
            environment: ["NODEGUARD_SCAN_SOCKET": socket])
    }

    @Test func `a scan in its own unit tells and ends as any other`() throws {
        let result = try scan(at: socket).finish()
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.output.contains("\"signatures\":[\"Bad.UNOFFICIAL\"]"), "\(result.output)")
        #expect(result.output.split(separator: "\n").last?.contains("\"event\":\"summary\"") == true)
    }

    @Test func `a session that cannot scan says why, with its status`() throws {
        try folder.write("signatures/t.ndb", "this is no signature\n")
        let result = try scan(at: socket).finish()
        #expect(result.status == 2)
        #expect(result.errors.contains("Malformed database"), "\(result.errors)")
    }

    @Test func `without the unit nothing is scanned, and the fix is told`() throws {
        let result = try scan(at: "\(folder.path)/other.sock").finish()
        #expect(result.status == 2)
        #expect(result.errors.contains("systemctl start nodeguard-scan.socket"), "\(result.errors)")
    }

    /// What runs for a scan, in both units.
    private struct Parts {
        let relay: Int32
        let acceptor: Int32
        let session: Int32
        let engine: Int32
        var all: [Int32] { [relay, acceptor, session, engine] }
    }

    /// Waits until a scan runs that lasts for minutes.
    private func slowScan(_ body: (RunningProgram, Parts) throws -> Void) throws {
        try folder.write("n.yaml", Self.settings(folder, throttle: "{ bytesPerSecond: 64KiB }"))
        for number in 0..<9 {
            try folder.write("tree/\(number)", String(repeating: "\(number) all is well. ", count: 200_000))
        }
        let program = try scan(at: socket)
        try program.waitForOutput("\"event\":\"scan.started\"")
        let parts = try waitFor("the processes of the scan") { () -> Parts? in
            guard let relay = Processes.children(of: program.pid).first,
                let acceptor = Processes.children(of: listener.pid).first,
                let session = Processes.children(of: acceptor).first,
                let engine = Processes.children(of: session).first(where: {
                    Processes.name(of: $0) == "nodeguard-engin"
                })
            else { return nil }
            return Parts(relay: relay, acceptor: acceptor, session: session, engine: engine)
        }
        try body(program, parts)
        for process in parts.all {
            _ = try waitFor("the end of process \(process)") { Processes.isAlive(process) ? nil : true }
        }
    }

    @Test func `an orderly end reaches the session, which tells its summary`() throws {
        try slowScan { program, _ in
            program.signal(SIGTERM)
            let result = try program.finish()
            #expect(result.output.split(separator: "\n").last?.contains("\"event\":\"summary\"") == true)
            #expect(result.errors.contains("interrupted"))
        }
    }

    @Test(arguments: ["the agent", "the relay", "the unit", "the session"])
    func `whichever of them is killed, nothing of the scan stays`(_ victim: String) throws {
        try slowScan { program, parts in
            switch victim {
            case "the agent": program.signal(SIGKILL)
            case "the relay": kill(parts.relay, SIGKILL)
            case "the unit": kill(parts.acceptor, SIGKILL)
            default: kill(parts.session, SIGKILL)
            }
            let result = try program.finish()
            if victim != "the agent" {
                #expect(result.status == 2)
                #expect(result.errors.contains("not scanned"), "\(result.errors)")
            }
        }
    }
}
