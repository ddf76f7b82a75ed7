import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

extension CampaignTests {
    /// Connects so many times, and says or does not say things: nothing, a half of a call, noise, a call byte by byte that
    /// nobody waits for the answer of. Many stay open as long as others come. Prints a line after each thousand.
    private static let flooder = """
        import collections, os, random, socket, sys, time
        path, wanted, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        random.seed(seed)
        kept, done = collections.deque(), 0
        call = b'{"method":"io.nodeguard.GetStatus","parameters":{}}\\0'
        while done < wanted:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(5)
            try:
                s.connect(path)
                kind = random.randrange(6)
                if kind == 1: s.sendall(call[:random.randrange(1, len(call))])
                elif kind == 2: s.sendall(os.urandom(random.randrange(1, 4000)))
                elif kind == 3:
                    for byte in call: s.send(bytes([byte]))
                elif kind == 4: s.sendall(b'{' * 3000 + b'\\0')
                elif kind == 5: s.sendall(call * 20)
            except BlockingIOError:
                # As many wait to be taken as can.
                s.close(); time.sleep(0.001); continue
            except OSError: pass
            kept.append(s)
            if len(kept) > 300: kept.popleft().close()
            done += 1
            if done % 1000 == 0: print(done, flush=True)
        print('done', flush=True)
        """

    private static func startFlooder(_ house: AgentHouse, _ connections: Int, seed: Int) throws -> RunningProgram {
        try RunningProgram(["python3", "-c", flooder, house.controlSocket.string, "\(connections)", "\(seed)"])
    }

    @Test func `10,000 connections that say nothing, a half or rubbish hold up neither the gate nor a status`() throws {
        let flooded = try FloodedHouse()
        let house = flooded.house
        try house.waitForStatus("OPEN")
        let before = house.openDescriptors
        let flooders = try (0..<2).map { try Self.startFlooder(house, 5000, seed: $0) }
        var answers = 0
        for round in 1...4 {
            for flooder in flooders { try flooder.waitForOutput("\(round * 1000)\n") }
            flooded.expectNothing()
            try house.setTunnel(up: false)
            try house.waitForGate("CLOSED")
            flooded.expectShut()
            let shut = try house.nodeguard("status")
            #expect(shut.status == 1 && shut.output.hasPrefix("SHUT"), "\(shut.output) \(shut.errors)")
            flooded.wait(packets: 50)
            flooded.expectNothing()
            try house.setTunnel(up: true)
            try house.waitForGate("OPEN")
            flooded.expectOpen()
            let open = try house.nodeguard("status")
            #expect(open.output.hasPrefix("OPEN"), "\(open.output) \(open.errors)")
            answers += 2
        }
        for flooder in flooders { try #expect(flooder.finish().output.hasSuffix("done\n")) }
        try waitFor("the connections to be closed") { house.openDescriptors <= before ? true : nil }
        try house.waitForStatus("OPEN")
        #expect(try house.stop().end == .exited(0))
        let counted = try flooded.count()
        print("10,000 connections, \(answers) answers to status meanwhile: \(counted)")
        #expect(counted.leaked == 0)
        #expect(counted.dropped == 0)
    }

    @Test func `SIGTERM in the middle of everything ends it in time and hands an open gate over`() throws {
        let flooded = try FloodedHouse(scan: "  throttle: { bytesPerSecond: 64KiB }") { house in
            for number in 0..<60 {
                try house.folder.write("sample/\(number)", "\(number) " + String(repeating: "x", count: 65536))
            }
        }
        let house = flooded.house
        try house.waitForStatus("OPEN")
        var longest = Duration.zero
        for round in 0..<3 {
            let scan = try house.startNodeguard("scan-now", "--json")
            try scan.waitForOutput("scan.started")
            let others = try (0..<4).map { _ in try house.startNodeguard("scan-now", "--json") }
            let waiting = try RunningProgram(["python3", "-c", Self.flooder, house.controlSocket.string, "100000", "9"])
            try waiting.waitForOutput("1000\n")
            // The configuration is read again and again, and SIGTERM comes somewhere in between.
            for _ in 0...round { house.agent.signal(SIGHUP) }
            let session = Processes.children(of: house.agent.pid)
            #expect(!session.isEmpty)
            let began = ContinuousClock.now
            house.agent.signal(SIGTERM)
            house.agent.signal(SIGHUP)
            flooded.expectOpen()
            #expect(try house.agent.finish().end == .exited(0))
            longest = max(longest, began.duration(to: .now))
            let gate = try house.nodeguard("gate", "status")
            flooded.wait(packets: 50)
            flooded.expectNothing()
            #expect(gate.output.hasPrefix("OPEN"))
            // More than a lease: it is the handover's.
            let left = gate.output.split(separator: "lease ").last.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
            #expect(left > 1000, "\(gate.output)")
            #expect(session.allSatisfy { !Processes.isAlive($0) })
            waiting.signal(SIGKILL)
            _ = try waiting.finish()
            for other in [scan] + others { #expect(try other.finish().status == 2) }
            #expect(try house.processes() == [])
            try house.start()
            try house.notify.wait(for: "READY=1")
            try house.waitForStatus("OPEN")
        }
        #expect(try house.stop().end == .exited(0))
        let counted = try flooded.count()
        print("SIGTERM in the middle: ended after \(longest) at most; \(counted)")
        // Promised are 5 s, on a machine that has time for it.
        #expect(longest < .seconds(20))
        #expect(counted.dropped == 0)
    }

    @Test func `500 reloads, good and bad by turns, drop no packet`() throws {
        // In memory: a disk that makes each last good configuration permanent would take most of the time.
        var mounted: MountedFolder?
        defer { _ = mounted }
        let flooded = try FloodedHouse { mounted = try Self.small($0.state) }
        let house = flooded.house
        try house.waitForStatus("OPEN")
        try flooded.waitForPackets()
        let good = try String(contentsOfFile: house.configuration.string, encoding: .utf8)
        let files = [
            try house.folder.write("good-1", good.replacingOccurrences(of: "udp/9000", with: "udp/9000, tcp/9001")),
            try house.folder.write("bad-1", good + "journl: 1\n"),
            try house.folder.write("good-2", good.replacingOccurrences(of: "lease: 1s", with: "lease: 2s")),
            try house.folder.write("bad-2", String(good.dropLast(good.count / 2))),
        ]
        flooded.expectOpen()
        let script = """
            import json, os, shutil, socket, sys
            s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
            good = bad = 0
            for round in range(500):
                source = sys.argv[3 + round % 4]
                shutil.copy(source, sys.argv[2] + '.next'); os.replace(sys.argv[2] + '.next', sys.argv[2])
                s.sendall(b'{"method":"io.nodeguard.Reload","parameters":{}}\\0')
                answer = b''
                while not answer.endswith(b'\\0'): answer += s.recv(65536)
                answer = json.loads(answer[:-1])
                if answer.get('error') == 'io.nodeguard.ConfigurationRejected': bad += 1
                elif 'error' not in answer: good += 1
            print(good, bad)
            """
        let reloads = try runProgram(
            ["python3", "-c", script, house.controlSocket.string, house.configuration.string] + files.map(\.string))
        #expect(reloads.output == "250 250\n", "\(reloads.errors)")
        // The commands read it too; the agent is not asked to.
        try house.folder.write("nodeguard.yaml", good)
        try house.waitForAttention("the configuration is wrong, the one of before stays in force")
        #expect(try house.toldStatus().gate.state == "open")
        flooded.expectNothing()
        #expect(try house.stop().end == .exited(0))
        let counted = try flooded.count()
        print("500 reloads: \(counted)")
        #expect(counted.dropped == 0)
        #expect(counted.sentWhileOpen > 500)
    }
}
