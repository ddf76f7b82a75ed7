import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing
import Varlink

/// Clients that do what they should not: each loses its own connection at worst, and another has its answers meanwhile.
struct AbuseTests {
    @Test func aSilentClientIsClosedAndOneThatIsServedIsNot() throws {
        let probe = try Probe("idle=200")
        let holding = try RawClient(probe)
        #expect(try holding.send(hold))
        let silent = try RawClient(probe)
        #expect(try silent.receive() == nil)
        // Its call has been waiting for longer than that.
        #expect(try probe.client().status().held == 1)
        _ = try probe.client().call("org.example.probe.Release", within: patience)
        #expect(try holding.receive() == #"{"parameters":{"released":true}}"#)
        #expect(try holding.receive() == nil)
    }

    @Test func halfAMessageIsNotWaitedForForEver() throws {
        let probe = try Probe("halfMessage=300")
        let other = try probe.client()
        let slow = try RawClient(probe)
        for byte in Array(echo.utf8) + [0] { #expect(try slow.send([byte])) }
        #expect(try slow.receive() == echoed)
        // Now it never comes to an end, though a byte comes every now and then.
        while try slow.send([UInt8(ascii: "{")]) {
            #expect(try other.echo("meanwhile") == "meanwhile")
            if try !waitForEvents([Watched(slow.descriptor)], until: .now.advanced(by: .milliseconds(20))).isEmpty {
                break
            }
        }
        #expect(try slow.receive() == nil)
    }

    @Test func tenThousandConnectionsLeaveNothingBehind() throws {
        let probe = try Probe()
        let other = try probe.client()
        #expect(try other.echo("before") == "before")
        let before = try (descriptors: probe.descriptors, memory: probe.memory)
        var served = 0
        var refused = 0
        for _ in 0..<50 {
            // More than there may be: those that are too many are told so, and the others have their answers.
            for _ in 0..<2 {
                let flood = try Flood(probe, count: 100)
                served += flood.served
                refused += flood.refused
            }
            #expect(try other.echo("meanwhile") == "meanwhile")
        }
        #expect(served + refused == 10000)
        #expect(served > 0 && refused > 0)
        try other.waitForStatus("they are gone") { $0.connections == 1 }
        #expect(try probe.descriptors == before.descriptors)
        #expect(try probe.memory < before.memory + 32 * mebibyte)
    }

    @Test func tooManyConnectionsAreRefusedAndRootHasRoom() throws {
        let probe = try Probe("connections=6", "connectionsForRoot=2", "allowed=65534")
        try openToAll(probe)
        let ask = """
            import socket, sys
            made = []
            for number in range(5):
                made.append(socket.socket(socket.AF_UNIX))
                made[-1].connect(sys.argv[1])
                try:
                    made[-1].sendall(sys.argv[2].encode() + b"\\0")
                except BrokenPipeError:
                    pass  # closed already; why is there to be read
                print(made[-1].recv(1000).rstrip(b"\\0").decode(), flush=True)
            sys.stdin.read()
            """
        let result = try runProgram(asNobody + ["/usr/bin/python3", "-c", ask, probe.path.string, echo])
        let refused = #"{"error":"io.nodeguard.TooManyConnections","parameters":{}}"#
        let told: String = String(repeating: echoed + "\n", count: 4) + refused + "\n"
        #expect(result.output == told, "\(result.errors)")

        let root = try (0..<6).map { _ in try probe.client() }
        for client in root { #expect(try client.echo("root") == "root") }
        let seventh = try probe.client()
        #expect(throws: VarlinkClientError.refused(.tooManyConnections)) { try seventh.echo("too many") }
    }

    @Test func whoHasAskedNothingMakesRoom() throws {
        let probe = try Probe("connections=4")
        let known = try probe.client()
        #expect(try known.echo("before") == "before")
        let silent = try (0..<20).map { number in
            let client = try RawClient(probe)
            if number % 2 == 1 { _ = try client.send(Array(echo.utf8.prefix(number))) }
            return client
        }
        // Not one of them is in the way of who asks, and who has asked before is not in theirs.
        for _ in 0..<3 {
            let client = try probe.client()
            #expect(try client.echo("now") == "now")
        }
        #expect(try known.echo("still here") == "still here")
        _ = silent
    }

    @Test func othersAreDenied() throws {
        let probe = try Probe()
        try openToAll(probe)
        let ask = """
            import socket, sys
            made = socket.socket(socket.AF_UNIX)
            made.connect(sys.argv[1])
            print(made.recv(1000).rstrip(b"\\0").decode())
            print(made.recv(1000))
            """
        let result = try runProgram(asNobody + ["/usr/bin/python3", "-c", ask, probe.path.string])
        let told: String = #"{"error":"org.varlink.service.PermissionDenied","parameters":{}}"# + "\nb''\n"
        #expect(result.output == told, "\(result.errors)")
        #expect(try probe.client().status().connections == 1)
    }

    @Test func aHundredThousandCallsAreAnsweredInTurnAndOthersMeanwhile() throws {
        let probe = try Probe()
        let other = try probe.client()
        let flooding = try RawClient(probe)
        let calls = repeated(echo, 1000)
        var toSend = 100
        var rest = calls[...]
        var answers = 0
        while answers < 100_000 {
            var watched: PollEvents = [.readable]
            if !rest.isEmpty {
                rest = rest.dropFirst(try #require(try flooding.sendSome(rest)))
                if rest.isEmpty && toSend > 1 {
                    toSend -= 1
                    rest = calls[...]
                }
                if !rest.isEmpty { watched.insert(.writable) }
            }
            while let answer = try flooding.receiveSome() {
                guard answer == echoed else {
                    Issue.record("\(answer)")
                    return
                }
                answers += 1
                if answers.isMultiple(of: 5000) { #expect(try other.echo("meanwhile") == "meanwhile") }
            }
            if answers < 100_000 { try flooding.wait(watched) }
        }
        #expect(try probe.memory < 256 * mebibyte)
    }

    @Test func callsOfWhoeverReadsNoAnswersAreNotTaken() throws {
        let probe = try Probe("stalled=1000")
        let other = try probe.client()
        _ = try other.status()
        let before = try (descriptors: probe.descriptors, memory: probe.memory)
        do {
            let deaf = try RawClient(probe)
            let large = #"{"method":"org.example.probe.Echo","parameters":{"text":"x","times":100000}}"#
            let calls = repeated(large, 1000)
            // The server stops reading, and in the end closes the connection.
            while try deaf.sendSome(calls[...]) != nil {
                #expect(try other.echo("meanwhile") == "meanwhile")
                #expect(try probe.memory < before.memory + 64 * mebibyte)
            }
        }
        try other.waitForStatus("it is gone") { $0.connections == 1 }
        #expect(try probe.descriptors == before.descriptors)
    }

    @Test func whoDoesNotReadAStreamMissesSomeOfIt() throws {
        let probe = try Probe()
        let other = try probe.client()
        let slow = try RawClient(probe)
        #expect(try slow.send(flood))
        try other.waitForStatus("some are dropped") { $0.dropped > 0 }
        let memory = try probe.memory
        #expect(try other.echo("meanwhile") == "meanwhile")
        // It catches up: the stream goes on, with a gap.
        var last = 0
        var gaps = 0
        while gaps < 2 {
            let message = try #require(try slow.receive())
            let number = try #require(Int(message.filter(\.isNumber)))
            if number != last + 1 { gaps += 1 }
            #expect(number > last)
            last = number
        }
        #expect(try probe.memory < memory + 32 * mebibyte)
    }

    @Test func whoNeverReadsAStreamIsClosed() throws {
        let probe = try Probe("stalled=300")
        let other = try probe.client()
        let deaf = try RawClient(probe)
        #expect(try deaf.send(flood))
        try other.waitForStatus("it is closed") { $0.gone == 1 && $0.connections == 1 }
        while try deaf.receive() != nil {}
    }

    @Test func aCallMayHaveAnotherPatience() throws {
        // The server itself would wait for longer than any test.
        let probe = try Probe("stalled=100000000")
        let other = try probe.client()
        let deaf = try RawClient(probe)
        #expect(
            try deaf.send(
                #"{"method":"org.example.probe.Flood","more":true,"parameters":{"patience":300}}"#))
        try other.waitForStatus("it is closed") { $0.gone == 1 && $0.connections == 1 }
    }

    @Test func aClientThatGoesIsTold() throws {
        let probe = try Probe()
        let other = try probe.client()
        _ = try other.status()
        let before = try probe.descriptors
        for number in 1...3 {
            do {
                // One waits for its answer, one is in the middle of a stream, one has further calls waiting.
                let going = try RawClient(probe)
                let call = number == 2 ? flood : hold
                #expect(try going.send(call))
                if number == 2 { #expect(try going.receive() != nil) }
                if number == 3 { #expect(try going.send(echo)) }
                if number != 2 { try other.waitForStatus("it is held") { $0.held == 1 } }
            }
            try other.waitForStatus("it is gone") { $0.gone == number && $0.connections == 1 && $0.held == 0 }
        }
        #expect(try probe.descriptors == before)
    }

    @Test func whoSaysNothingMoreIsAnsweredStill() throws {
        let probe = try Probe()
        let client = try RawClient(probe)
        #expect(try client.send(hold))
        client.endInput()
        let other = try probe.client()
        let steps = try other.waitForStatus("the call is held") { $0.held == 1 }.steps
        // The end that was read is not told again and again: a step for each of these calls, and few others.
        for _ in 0..<20 { _ = try other.echo("meanwhile") }
        #expect(try other.status().steps - steps < 100)
        _ = try other.call("org.example.probe.Release", within: patience)
        #expect(try client.receive() == #"{"parameters":{"released":true}}"#)
        #expect(try client.receive() == nil)
    }

    @Test func onewayCallsHaveNoAnswer() throws {
        let probe = try Probe()
        let client = try RawClient(probe)
        for how in ["Note", "Hold", "None", "Fail"] {
            #expect(try client.send(#"{"method":"org.example.probe.\#(how)","oneway":true,"more":true}"#))
        }
        #expect(try client.send(echo))
        #expect(try client.receive() == echoed)
        #expect(try probe.client().status().noted == 1)
    }

    @Test func withoutDescriptorsNothingSpins() throws {
        let probe = try Probe(under: ["prlimit", "--nofile=24"])
        let served = try probe.client()
        #expect(try served.echo("before") == "before")
        let before = try probe.descriptors
        do {
            var waiting: [VarlinkClient] = []
            for _ in 0..<30 { waiting.append(try probe.client()) }
            let first = try served.waitForStatus("there are no descriptors") { $0.acceptFailures > 0 }
            // Each of these calls is a step or two, each pause that ends another two: what spins has thousands.
            var calls = 0
            let later = try served.waitForStatus("it tried again") {
                calls += 1
                return $0.acceptFailures >= first.acceptFailures + 2
            }
            let tries: Int = later.acceptFailures - first.acceptFailures
            let most: Int = 4 * (calls + tries) + 10
            #expect(later.steps - first.steps <= most)
            waiting.removeFirst(20)
            for client in waiting { #expect(try client.echo("after all") == "after all") }
        }
        try served.waitForStatus("they are gone") { $0.connections == 1 }
        #expect(try probe.descriptors == before)
    }

    private let asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    private func openToAll(_ probe: Probe) throws {
        try #require(geteuid() == 0, "needs root")
        _ = try runProgram(["/bin/chmod", "0755", probe.folder.path.string])
        _ = try runProgram(["/bin/chmod", "0666", probe.path.string])
    }
}

/// Connections that are all there at once, each with a call, and what became of them.
private struct Flood {
    private(set) var served = 0
    private(set) var refused = 0

    init(_ probe: Probe, count: Int) throws {
        var clients: [VarlinkClient] = []
        for _ in 0..<count {
            let client = try probe.client()
            try client.begin("org.example.probe.Echo", Text(text: "hello"))
            clients.append(client)
        }
        for client in clients {
            if try isServed(client) { served += 1 } else { refused += 1 }
        }
    }

    private func isServed(_ client: VarlinkClient) throws -> Bool {
        do {
            while try client.nextReply()?.json == nil {
                guard try !waitForEvents([client.watched], until: .now.advanced(by: patience)).isEmpty else {
                    throw Silence()
                }
            }
            return true
        } catch let error as VarlinkClientError {
            guard error == .refused(.tooManyConnections) else { throw error }
            return false
        }
    }
}
