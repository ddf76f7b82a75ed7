import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite("nodeguard run with clients and sessions that do not do as they should (needs root)")
struct AgentFaultTests {
    @Test func `a client that asks for a scan and reads nothing does not hold up SIGTERM`() throws {
        let house = try AgentHouse()
        for number in 0..<3000 { try house.folder.write("sample/\(number)", "\(number)") }
        try house.waitForGate("OPEN")
        let client = try RunningProgram([
            "python3", "-c",
            """
            import socket, sys, time
            s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
            s.sendall(b'{"method":"io.nodeguard.Scan","more":true,"parameters":{"everyFile":true}}\\0')
            time.sleep(1000)
            """, house.controlSocket.string,
        ])
        // More is to be told than the agent keeps for a client: from then on the session waits for it.
        try waitFor("the session to wait for the client") {
            let session = Processes.children(of: house.agentProcess).first
            return try session.flatMap { try isBlockedInWriting($0) ? true : nil }
        }
        house.agent.signal(SIGTERM)
        // A client is given up after a minute: that must not be what ends it.
        #expect(try house.agent.finish(deadline: 40).end == .exited(0))
        let handedOver = try house.nodeguard("gate", "status")
        #expect(handedOver.output.hasPrefix("OPEN"), "\(handedOver.output)")
        client.signal(SIGKILL)
    }

    @Test func `a scan that goes on after its session was killed comes to its end once`() throws {
        let house = try AgentHouse(scan: "  throttle: { bytesPerSecond: 64KiB }")
        for number in 0..<12 {
            try house.folder.write("sample/\(number)", "\(number) " + String(repeating: "x", count: 65536))
        }
        let first = try house.startNodeguard("scan-now", "--json", "--target", "sample")
        // Not for the first clean file: those are told in groups, and the last group may be the first.
        try first.waitForOutput("scan.progress")
        kill(try #require(Processes.children(of: house.agentProcess).first), SIGKILL)
        #expect(try first.finish().status == 2)
        try waitFor("the agent to notice") {
            try house.nodeguard("status").output.contains("to go on where it stopped") ? true : nil
        }
        #expect(try house.nodeguard("scan-now", "--target", "sample").status == 0)
        let status = try house.nodeguard("status").output
        #expect(!status.contains("to go on where it stopped"), "\(status)")
        #expect(!status.contains("the last scan failed"), "\(status)")
    }

    @Test func `what was found before the session died is found`() throws {
        let house = try AgentHouse(scan: "  throttle: { bytesPerSecond: 64KiB }")
        let bad = try house.folder.write("bad", AgentHouse.bad)
        for number in 0..<12 {
            try house.folder.write("sample/\(number)", "\(number) " + String(repeating: "x", count: 65536))
        }
        let scan = try house.startNodeguard("scan-now", "--json", paths: [bad, house.sample])
        try scan.waitForOutput("file.infected")
        kill(try #require(Processes.children(of: house.agentProcess).first), SIGKILL)
        #expect(try scan.finish().status == 1)
    }

    @Test func `a gate that only observes and was forced shut is shut, and whoever waits for it waits`() throws {
        let house = try AgentHouse(
            policy: """
                  selinux: { require: ignore }
                  vpn: { interfaces: [tun0], ipv4: required, ipv6: ignore }
                  gate: { mode: observe, settle: 100ms, lease: 2s }
                """)
        #expect(try house.nodeguard("wait-open", "--timeout", "20s").status == 0)
        #expect(try house.nodeguard("gate", "close", "--reason", "keys moved").status == 0)
        let shut = try house.waitForStatus("SHUT BY HAND")
        let lines = shut.output.split(separator: "\n")
        #expect(lines[1].contains("keys moved"))
        #expect(lines[2].contains("nodeguard gate resume"))
        #expect(try house.nodeguard("wait-open", "--timeout", "500ms").status == 1)
        #expect(try house.nodeguard("gate", "resume").status == 0)
        #expect(try house.nodeguard("wait-open", "--timeout", "20s").status == 0)
    }

    @Test func `without an agent status says what the kernel does with the ports`() throws {
        let house = try AgentHouse()
        try house.waitForStatus("OPEN,")
        try house.stop(SIGKILL)
        try house.waitForGate("CLOSED")
        let shut = try house.nodeguard("status")
        #expect(shut.status == 2)
        #expect(shut.errors.hasPrefix("SHUT: no agent answers"))
    }

    @Test func `a disk that holds up the start keeps neither the gate nor systemd waiting`() throws {
        let house = try AgentHouse(starts: false)
        // Who opens a pipe waits until somebody writes to it: so does the agent with what it kept there.
        let kept = house.state.appending("metrics.json").string
        _ = try runProgram(["sh", "-c", "mkdir -m 700 -- \"$0\" && mkfifo -- \"$1\"", house.state.string, kept])
        try house.start()
        #expect(try house.notify.wait(for: "READY=1").contains("a disk holds up the rest"))
        try house.waitForGate("OPEN")
        try house.setTunnel(up: false)
        try house.waitForGate("CLOSED")
        try house.stop(SIGKILL)
    }

    @Test func `folders that another user can write to are refused, and the state is kept from others`() throws {
        let house = try AgentHouse(starts: false)
        for folder in [house.state, house.folder.path.appending("run")] {
            _ = try runProgram(["mkdir", "-m", "777", folder.string])
            let refused = try house.nodeguard("run")
            #expect(refused.status == 2)
            #expect(refused.errors.contains("\(folder): Operation not permitted"), "\(refused.errors)")
            _ = try runProgram(["chmod", "755", folder.string])
        }
        _ = try runProgram(["chown", "65534", house.state.string])
        #expect(try house.nodeguard("run").status == 2)
        _ = try runProgram(["chown", "0", house.state.string])
        try house.start()
        try house.notify.wait(for: "READY=1")
        #expect(try runProgram(["stat", "-c", "%a", house.state.string]).output == "700\n")
    }

    @Test func `another metrics file is taken up, and the one of before is removed`() throws {
        let house = try AgentHouse()
        try house.waitForStatus("OPEN")
        let before = house.metricsFile
        let after = house.folder.path.appending("other.prom")
        #expect(exists(before))
        try house.folder.write(
            "nodeguard.yaml", try textOf(house.configuration).replacing(before.string, with: after.string))
        house.agent.signal(SIGHUP)
        try waitFor("the other file") { exists(after) && !exists(before) ? true : nil }
    }
}

/// Whether a process waits for room in a pipe.
private func isBlockedInWriting(_ process: Int32) throws -> Bool {
    try textOf(FilePath("/proc/\(process)/wchan")).contains("pipe_write")
}

private func textOf(_ path: FilePath) throws -> String {
    let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    return String(decoding: try file.closeAfter { try readToEnd(file) }, as: UTF8.self)
}
