import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing
import Varlink

/// What a program sees that calls.
struct ClientTests {
    @Test func aCallHasItsReply() throws {
        let probe = try Probe()
        let client = try probe.client()
        #expect(try client.echo("grün \u{0}\"") == "grün \u{0}\"")
        #expect(try client.echo("again") == "again")
        let who = try client.call("org.example.probe.WhoAmI", within: patience)
        let caller = #"{"gid":\#(getegid()),"pid":\#(getpid()),"uid":\#(geteuid())}"#
        #expect(String(decoding: who.json, as: UTF8.self) == #"{"parameters":{"caller":\#(caller)}}"#)
    }

    @Test func aStreamHasAllItsReplies() throws {
        let probe = try Probe()
        let client = try probe.client()
        var numbers: [Int] = []
        try client.stream("org.example.probe.Count", ["until": 500], within: patience) {
            reply throws(VarlinkClientError) in
            numbers.append(try reply.parameters(as: Number.self).number)
            return true
        }
        #expect(numbers == Array(1...500))
        #expect(try client.echo("after") == "after")
    }

    @Test func aStreamCanBeEnded() throws {
        let probe = try Probe()
        let client = try probe.client()
        var seen = 0
        try client.stream("org.example.probe.Flood", within: patience) { _ in
            seen += 1
            return seen < 10
        }
        #expect(seen == 10)
        #expect(throws: VarlinkClientError.self) { try client.echo("not on this connection") }
    }

    @Test func aProgramCanWaitByItself() throws {
        let probe = try Probe()
        let (holding, other) = (try probe.client(), try probe.client())
        try holding.begin("org.example.probe.Hold")
        #expect(try holding.nextReply()?.json == nil)
        try other.waitForStatus("the call is held") { $0.held == 1 }
        _ = try other.call("org.example.probe.Release", within: patience)
        var reply: VarlinkReply?
        while reply == nil {
            #expect(try !waitForEvents([holding.watched], until: .now.advanced(by: patience)).isEmpty)
            reply = try holding.nextReply()
        }
        #expect(reply?.continues == false)
    }

    @Test func whatIsWrongHasItsOwnError() throws {
        let folder = try TemporaryFolder()
        let path = folder.path.appending("socket")
        #expect(connecting(path) == .noSocket(path.string))
        try folder.write("file", "")
        #expect(connecting(folder.path.appending("file")) == .nobodyListens("\(folder.path)/file"))
        let listener = try StreamListener(at: path)
        let client = try VarlinkClient(connectedTo: path, within: patience)
        #expect(calling(client, within: .milliseconds(20)) == .timedOut("org.example.probe.Echo"))
        // An answer that comes after all would be that of another call.
        #expect(calling(client, within: patience) == .broken("the connection to \(path) is not usable any more"))
        #expect(try listener.accept() != nil)

        for (text, told) in [
            ("nothing", "closed the connection"), (#"{"parameters":[]"#, "no reply of Varlink"),
            (#"{"continues":true}"#, "more replies"),
        ] {
            let client = try VarlinkClient(connectedTo: path, within: patience)
            do {
                let server = try accepted(listener)
                if text != "nothing" { _ = try server.send((Array(text.utf8) + [0])[...]) }
            }
            guard case .broken(let why) = calling(client, within: patience) else {
                Issue.record("\(text) is taken")
                continue
            }
            #expect(why.contains(told))
        }
    }

    @Test func aFullQueueIsWaitedForUntilTheDeadline() throws {
        let folder = try TemporaryFolder()
        let path = folder.path.appending("socket")
        let listener = try StreamListener(at: path)
        var waiting: [VarlinkClient] = []
        let problem = try waitFor("the queue is full") { () -> VarlinkClientError? in
            do throws(VarlinkClientError) {
                waiting.append(try VarlinkClient(connectedTo: path, within: .milliseconds(1)))
                return nil
            } catch {
                return error
            }
        }
        #expect(problem == .timedOut("connecting to \(path)"))
        #expect(waiting.count > 100)
        #expect(try listener.accept() != nil)
    }

    @Test func anErrorHasItsNameAndParameters() throws {
        let probe = try Probe()
        let client = try probe.client()
        func refusal(_ method: String, _ parameters: some Encodable) -> String {
            do throws(VarlinkClientError) {
                return "\(try client.call(method, parameters, within: patience).json)"
            } catch {
                return error.description
            }
        }
        #expect(
            refusal("org.example.probe.Fail", ["how": "error"])
                == #"org.example.probe.Failed (reason: as "wanted"\x1b[1m)"#)
        let service = "org.varlink.service"
        #expect(
            refusal("org.example.none.Echo", NoParameters())
                == "\(service).InterfaceNotFound (interface: org.example.none)")
        #expect(refusal("org.example.probe.None", NoParameters()) == "\(service).MethodNotFound (method: None)")
        #expect(refusal("None", NoParameters()) == "\(service).MethodNotFound (method: None)")
        #expect(
            refusal("org.example.probe.Echo", ["test": "x"]) == "\(service).InvalidParameter (parameter: test)")
        #expect(
            refusal("org.example.probe.Echo", NoParameters()) == "\(service).InvalidParameter (parameter: text)")
        #expect(refusal("org.example.probe.Echo", ["text": 1]) == "\(service).InvalidParameter (parameter: text)")
        #expect(refusal("org.example.probe.Echo", ["text"]) == "\(service).InvalidParameter (parameter: parameters)")
        #expect(refusal("org.example.probe.Flood", NoParameters()) == "\(service).ExpectedMore")
        #expect(refusal("org.example.probe.Fail", ["how": "endless"]).hasPrefix("io.nodeguard.CannotReply"))
        #expect(refusal("org.example.probe.Fail", ["how": "long"]).hasPrefix("io.nodeguard.CannotReply"))
        #expect(refusal("org.example.probe.Fail", ["how": "longError"]).hasPrefix("io.nodeguard.CannotReply"))
        #expect(try client.echo("after all that") == "after all that")
        // A call that the program forgot is not waited for.
        #expect(refusal("org.example.probe.Fail", ["how": "forgotten"]) == "\(probe.path) closed the connection")
    }

    private func connecting(_ path: FilePath) -> VarlinkClientError? {
        do throws(VarlinkClientError) {
            _ = try VarlinkClient(connectedTo: path)
            return nil
        } catch {
            return error
        }
    }

    private func calling(_ client: VarlinkClient, within time: Duration) -> VarlinkClientError? {
        do throws(VarlinkClientError) {
            _ = try client.call("org.example.probe.Echo", within: time)
            return nil
        } catch {
            return error
        }
    }
}
