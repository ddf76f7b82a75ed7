import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite("The agent's control socket (needs root)")
struct ControlSocketTests {
    @Test func `it is root's alone, and a scan through it tells what one without an agent tells`() throws {
        let house = try AgentHouse()
        try house.folder.write("sample/bad", AgentHouse.bad)
        let status = try house.folder.path.run("stat", "-c", "%a %u", house.controlSocket.string)
        #expect(status == "600 0\n")

        let withAgent = try house.nodeguard("scan-now", "--full")
        #expect(withAgent.status == 1)
        #expect(try house.stop().end == .exited(0))
        let alone = try house.nodeguard("scan-now", "--full")
        #expect(alone.status == 1)
        #expect(withoutTimes(withAgent.output) == withoutTimes(alone.output))
        // Both were told to the same history and the same findings.
        let history = try house.nodeguard("history").output.split(separator: "\n")
        #expect(history.count == 2)
        #expect(try house.nodeguard("findings").output.contains("1 open"))
    }

    @Test func `wrong targets are wrong usage, and a client that goes away ends its scan`() throws {
        let house = try slowHouse()
        let wrong = try house.nodeguard("scan-now", "--target", "nope")
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("the configuration has: sample"))

        let scan = try house.startNodeguard("scan-now", "--json")
        try scan.waitForOutput("scan.started")
        let session = try #require(Processes.children(of: house.agentProcess).first)
        scan.signal(SIGKILL)
        _ = try scan.finish()
        try waitFor("the session to end") { Processes.isAlive(session) ? nil : true }
        try waitFor("the agent to say so") { try house.nodeguard("status").output.contains("runs") ? nil : true }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a scan that is interrupted tells its end and the sums, as without an agent`(signal: Int32) throws {
        let house = try slowHouse()
        let scan = try house.startNodeguard("scan-now", "--json")
        try scan.waitForOutput("file.clean")
        scan.signal(signal)
        let ended = try scan.finish()
        #expect(ended.status == 128 + signal)
        let lines = ended.output.split(separator: "\n")
        let interrupted = try #require(lines.first { $0.contains(#""event":"scan.interrupted""#) }, "\(ended.output)")
        #expect(interrupted.contains(#""reason":"requested""#))
        let last = try #require(lines.last)
        #expect(last.contains(#""event":"summary""#) && last.contains(#""complete":false"#), "\(last)")
        #expect(last.contains("interrupted by signal"), "\(last)")
        // Who did not want it any more does not get it at night.
        #expect(try !house.nodeguard("status").output.contains("to go on where it stopped"))
    }

    @Test func `a second signal waits for nothing`() throws {
        let house = try slowHouse()
        let scan = try house.startNodeguard("scan-now", "--json")
        try scan.waitForOutput("scan.started")
        let session = try #require(Processes.children(of: house.agentProcess).first)
        // It cannot end in good order any more.
        kill(session, SIGSTOP)
        defer { kill(session, SIGKILL) }
        scan.signal(SIGINT)
        scan.signal(SIGTERM)
        let ended = try scan.finish()
        #expect(ended.status == 128 + SIGTERM)
        #expect(ended.output.split(separator: "\n").last?.contains(#""event":"summary""#) == true)
    }

    @Test func `where the agent dies, what was counted until then is the summary`() throws {
        let house = try slowHouse()
        let scan = try house.startNodeguard("scan-now", "--json")
        try scan.waitForOutput("file.clean")
        try house.stop(SIGKILL)
        let ended = try scan.finish()
        #expect(ended.status == 2)
        #expect(ended.errors.contains("the agent is gone"), "\(ended.errors)")
        let lines = ended.output.split(separator: "\n")
        let last = try #require(lines.last)
        #expect(last.contains(#""event":"summary""#) && last.contains(#""complete":false"#), "\(last)")
        #expect(last.contains(#""partialBecause":"the agent is gone"#) && last.contains(#""targets":["sample"]"#))
        let clean = lines.count { $0.contains(#""event":"file.clean""#) }
        #expect(last.contains(#""clean":\#(clean)"#), "\(clean): \(last)")
    }

    @Test func `what the findings did not take is told through the agent as without it`() throws {
        let house = try AgentHouse(starts: false)
        try house.folder.write("state/findings.db/no-file", "")
        try house.start()
        try house.notify.wait(for: "READY=1")
        let withAgent = try house.nodeguard("scan-now", "--full")
        #expect(withAgent.status == 0)
        try house.stop()
        let alone = try house.nodeguard("scan-now", "--full")
        func notes(_ result: ProgramResult) -> [Substring] {
            result.errors.split(separator: "\n").filter { $0.hasPrefix("note: findings and history are not kept") }
        }
        #expect(notes(alone).count == 1, "\(alone.errors)")
        #expect(notes(withAgent) == notes(alone), "\(withAgent.errors)")
    }

    @Test func `a plan runs beside the scan that runs`() throws {
        let house = try slowHouse()
        let scan = try house.startNodeguard("scan-now", "--json")
        try scan.waitForOutput("scan.started")
        let session = try #require(Processes.children(of: house.agentProcess).first)
        let plan = try house.nodeguard("scan-now", "--plan")
        #expect(plan.status == 0, "\(plan.errors)")
        // 41 files in the cap's time: the rate was not measured yet.
        #expect(plan.output.contains(" files to look at") && plan.output.contains("about 40"), "\(plan.output)")
        #expect(Processes.isAlive(session))
        scan.signal(SIGINT)
        #expect(try scan.finish().status == 128 + SIGINT)
    }

    /// A house whose scan takes more than half a minute.
    private func slowHouse() throws -> AgentHouse {
        let house = try AgentHouse(scan: "  throttle: { bytesPerSecond: 64KiB }")
        for number in 0..<40 {
            try house.folder.write("sample/\(number)", "\(number) " + String(repeating: "x", count: 65536))
        }
        return house
    }

    @Test func `a client that reads nothing does not lose an event, and holds up nobody but its own scan`() throws {
        let house = try AgentHouse()
        for number in 0..<3000 { try house.folder.write("sample/\(number)", "\(number)") }
        // Its output goes into a pipe that nobody reads until the rest was looked at.
        let scan = try house.startNodeguard("scan-now", "--json", "--full")
        try waitFor("the scan to begin") { Processes.children(of: house.agentProcess).first }
        let other = try house.folder.write("other", "fine")
        try house.waitForStatus("OPEN")
        _ = other
        let all = try scan.finish()
        #expect(all.status == 0)
        let files = all.output.split(separator: "\n").count { $0.contains(#""event":"file.clean""#) }
        #expect(files == 3001)
    }

    @Test(.enabled(if: exists(pythonPackages.appending("varlink")), "scripts/setup test fetches the package varlink"))
    func `another implementation of Varlink understands it`() throws {
        let house = try AgentHouse()
        func varlink(_ arguments: String...) throws -> String {
            let result = try runProgram(
                ["/usr/bin/python3", "-m", "varlink.cli"] + arguments,
                environment: ["PYTHONPATH": pythonPackages.string, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"])
            return result.output + result.errors
        }
        let service = "unix:\(house.controlSocket)"
        #expect(try varlink("info", service).contains("io.nodeguard"))
        #expect(try varlink("help", "\(service)/io.nodeguard").contains("method GetStatus() -> (status: object)"))
        #expect(try varlink("call", "\(service)/io.nodeguard.GetStatus").contains(#""schema": 1"#))
        let scan = try varlink("call", "--more", "\(service)/io.nodeguard.Scan", #"{"targets":["sample"]}"#)
        #expect(scan.contains(#""event": "scan.finished""#) && scan.contains(#""ended": "finished""#), "\(scan)")
    }

    @Test func `the findings and the history come through it as the commands print them`() throws {
        let house = try AgentHouse()
        try house.folder.write("sample/bad", AgentHouse.bad)
        #expect(try house.nodeguard("scan-now").status == 1)
        let findings = try house.call("GetFindings", "{}")
        #expect(findings.contains(#""signatures":["Test.Bad.UNOFFICIAL"]"#))
        let history = try house.call("GetHistory", "{}")
        #expect(history.contains(#""trigger":"manual""#))
        let wrong = try house.call("OpenGate", #"{"seconds":0,"reason":"x"}"#)
        #expect(wrong.contains("InvalidParameter"))
        #expect(try house.call("CloseGate", #"{"reason":"keys moved"}"#) == "{}")
        try house.waitForStatus("SHUT")
        #expect(try house.call("OpenGate", #"{"seconds":60,"reason":"x"}"#).contains("ForcedShut"))
        #expect(try house.call("ResumeGate", "{}") == "{}")
        try house.waitForStatus("OPEN")
        #expect(try house.call("WaitOpen", "{}") == "{}")
        #expect(try house.call("Reload", "{}") == "{}")
    }
}

/// Where scripts/setup puts Tests/python-packages.
private let pythonPackages = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    .appending("build/python")

extension AgentHouse {
    /// Calls a method with bytes of the test's own, and gives the parameters of the answer, or the whole of an error.
    func call(_ method: String, _ parameters: String) throws -> String {
        let script = """
            import json, socket, sys
            s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
            s.sendall(b'{"method":"io.nodeguard.%s","parameters":%s}\\0' % (sys.argv[2].encode(), sys.argv[3].encode()))
            answer = b''
            while not answer.endswith(b'\\0'): answer += s.recv(65536)
            answer = json.loads(answer[:-1])
            print(json.dumps(answer if 'error' in answer else answer.get('parameters', {}), separators=(',', ':')), end='')
            """
        let result = try runProgram(["python3", "-c", script, controlSocket.string, method, parameters])
        guard result.status == 0 else { throw ProgramFailure(description: result.errors) }
        return result.output
    }
}

extension FilePath {
    fileprivate func run(_ arguments: String...) throws -> String { try runProgram(arguments, in: self).output }
}

/// The lines without those that say how long it took.
private func withoutTimes(_ output: String) -> [Substring] {
    output.split(separator: "\n").filter { !$0.contains(" looked at in ") }
}
