import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite("the status listener, in a network namespace of its own (needs root)")
struct StatusListenerTests {
    /// An agent whose gate opens behind tun0, and that listens at an address.
    private func house(at address: String) throws -> AgentHouse {
        let house = try AgentHouse(policy: policy(address))
        if address != "null" { try waitFor("the listener") { try listener(of: house) } }
        return house
    }

    private func policy(_ address: String) -> String {
        """
          selinux: { require: ignore }
          vpn: { interfaces: [tun0], ipv4: required, ipv6: ignore }
          gate: { mode: enforce, settle: 100ms, lease: 2s }
          statusListen: \(address == "null" ? address : "\"\(address)\"")
        """
    }

    /// The listener's process, once it is confined.
    private func listener(of house: AgentHouse) throws -> Int32? {
        Processes.children(of: house.agent.pid).first { process in
            (try? field("Seccomp", of: process)) == "2"
        }
    }

    private func field(_ name: String, of process: Int32) throws -> String? {
        let text = try runProgram(["cat", "/proc/\(process)/status"]).output
        return text.split(separator: "\n").first { $0.hasPrefix(name + ":") }.map {
            $0.dropFirst(name.count + 1).split(separator: "\t").joined(separator: " ")
        }
    }

    /// The answer to one question; nil where nobody listens.
    private func ask(
        _ house: AgentHouse, _ request: String = "GET /gate HTTP/1.1\r\nHost: x\r\n\r\n", port: UInt16 = 9477,
        ipv6: Bool = false
    ) throws -> String? {
        guard let client = try HTTPClient.connected(in: house.node, port: port, ipv6: ipv6) else { return nil }
        client.send(request)
        return try client.answer()
    }

    private func waitForAnswer(_ house: AgentHouse, _ beginning: String, _ body: String) throws {
        var last: String?
        do {
            try waitFor("the answer \(body)") {
                last = try ask(house)
                return last?.hasPrefix("HTTP/1.1 \(beginning)") == true && last?.hasSuffix("\r\n\r\n\(body)\n") == true
                    ? true : nil
            }
        } catch {
            throw ProgramFailure(description: "\(error); at last it said: \(last ?? "nothing")")
        }
    }

    @Test func `it tells of an open gate, a shut one, an agent that hangs, and is gone with the agent`() throws {
        let house = try house(at: "127.0.0.1:9477")
        try waitForAnswer(house, "200 OK", "open")
        try house.setTunnel(up: false)
        try waitForAnswer(house, "503 Service Unavailable", "shut: vpn.interface is fail")
        #expect(try house.nodeguard("gate", "open", "--for", "1m", "--reason", "test").status == 0)
        try waitForAnswer(house, "200 OK", "open")
        #expect(try house.nodeguard("gate", "close", "--reason", "keys moved").status == 0)
        try waitForAnswer(house, "503 Service Unavailable", "shut: forced shut by hand: keys moved")
        #expect(try house.nodeguard("gate", "resume").status == 0)
        try house.setTunnel(up: true)
        try waitForAnswer(house, "200 OK", "open")

        house.agent.signal(SIGSTOP)
        try waitForAnswer(house, "503 Service Unavailable", "shut: nodeguard does not say")
        house.agent.signal(SIGCONT)
        try waitForAnswer(house, "200 OK", "open")

        let process = try #require(try listener(of: house))
        try house.stop(SIGKILL)
        try waitFor("the listener to be gone") { Processes.isAlive(process) ? nil : true }
        #expect(try ask(house) == nil)
        let waiting = try house.nodeguard("wait-open", "--url", "http://127.0.0.1:9477/gate", "--timeout", "300ms")
        #expect(waiting.status == 1)
        #expect(waiting.errors.contains("Connection refused"))
    }

    @Test func `its process has nothing left to give up`() throws {
        let house = try house(at: "127.0.0.1:9477")
        let process = try #require(try listener(of: house))
        for name in ["Uid", "Gid"] { #expect(try field(name, of: process) == "65534 65534 65534 65534") }
        #expect((try field("Groups", of: process) ?? "").allSatisfy { $0 == " " })
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            #expect(try field(name, of: process) == "0000000000000000", "\(name)")
        }
        #expect(try field("NoNewPrivs", of: process) == "1")
        #expect(try field("Threads", of: process) == "1")
        // No debugger of the same user: its files in /proc are root's.
        #expect(try runProgram(["stat", "-c", "%u", "/proc/\(process)/maps"]).output == "0\n")
        // The filter is the last wall but one: that its output is closed says that all are up.
        let open = try waitFor("its output to be closed") { () -> [String]? in
            let open = try runProgram(["sh", "-c", "cd /proc/\(process)/fd && for n in *; do readlink $n; done"]).output
                .split(separator: "\n").map(String.init)
            return open.count == 2 ? open : nil
        }
        #expect(open[0].hasPrefix("pipe:") && open[1].hasPrefix("socket:"), "\(open)")
        let limits = try runProgram(["cat", "/proc/\(process)/limits"]).output
        #expect(
            limits.split(separator: "\n").contains { $0.split(separator: " ").starts(with: ["Max", "processes", "0"]) })
        // All that an answer needs works behind those walls.
        try waitForAnswer(house, "200 OK", "open")
        #expect(Processes.isAlive(process))
    }

    @Test func `one that was killed is started again, and a client who asks meanwhile has its answer`() throws {
        let house = try house(at: "[::1]:9477")
        let first = try #require(try listener(of: house))
        try waitFor("the gate to be open over IPv6") {
            try ask(house, ipv6: true)?.hasSuffix("\r\n\r\nopen\n") == true ? true : nil
        }
        kill(first, SIGSTOP)
        let early = try #require(try HTTPClient.connected(in: house.node, ipv6: true))
        early.send("GET /gate HTTP/1.0\r\n\r\n")
        kill(first, SIGKILL)
        #expect(try early.answer().hasSuffix("\r\n\r\nopen\n"))
        let second = try waitFor("another listener") { try listener(of: house) }
        #expect(second != first)
        // Only there, not at every address of the machine.
        #expect(try ask(house) == nil)
    }

    @Test func `a reload moves it, ends it, and tells of an address that is in use until that is free`() throws {
        let house = try house(at: "127.0.0.1:9477")
        try house.configure(policy: policy("127.0.0.1:9478"))
        house.agent.signal(SIGHUP)
        try waitFor("the new port") {
            try ask(house, port: 9478)?.hasPrefix("HTTP/1.1 200") == true ? true : nil
        }
        #expect(try ask(house) == nil)

        try house.configure(policy: policy("null"))
        house.agent.signal(SIGHUP)
        try waitFor("nobody to listen") { try ask(house, port: 9478) == nil ? true : nil }
        try waitFor("its process to be gone") { try listener(of: house) == nil ? true : nil }

        let other = try RunningProgram([
            "ip", "netns", "exec", house.node.name, "python3", "-uc",
            "import socket,signal; s=socket.create_server(('127.0.0.1',9477)); print('ready'); signal.pause()",
        ])
        try other.waitForOutput("ready")
        try house.configure(policy: policy("127.0.0.1:9477"))
        house.agent.signal(SIGHUP)
        let status = try waitFor("status to tell") { () -> String? in
            let status = try house.nodeguard("status").output
            return status.contains("Address already in use") ? status : nil
        }
        #expect(status.contains("policy.statusListen") && status.contains("127.0.0.1:9477"), "\(status)")
        other.signal(SIGKILL)
        _ = try other.finish()
        try waitFor("the listener") { try listener(of: house) }
        try waitForAnswer(house, "200 OK", "open")
        try waitFor("status to be content") {
            try house.nodeguard("status").output.contains("policy.statusListen") ? nil : true
        }
    }

    @Test func `it answers as HTTP says, and never with more than it should`() throws {
        let house = try house(at: "127.0.0.1:9477")
        try waitForAnswer(house, "200 OK", "open")
        let end = " HTTP/1.1\r\nHost: x\r\n\r\n"
        let long = String(repeating: "a", count: 5000)
        let cases: [(request: String, status: String)] = [
            ("GET /gate\(end)", "200"), ("GET /gate?a=b\(end)", "200"), ("HEAD /gate\(end)", "200"),
            ("GET http://x/gate\(end)", "200"), ("GET /gate HTTP/1.0\r\n\r\n", "200"),
            ("GET /gate HTTP/1.0\n\n", "200"),
            ("\r\n\r\nGET /gate\(end)", "200"), ("GET /gate\(end)GET /gate\(end)", "200"),
            ("GET /\(end)", "404"), ("GET /gate/\(end)", "404"), ("GET /../etc/passwd\(end)", "404"),
            ("POST /gate HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "405"), ("get /gate\(end)", "405"),
            ("nonsense\r\n\r\n", "400"), ("GET /gate\r\n\r\n", "400"), ("GET  /gate\(end)", "400"),
            ("GET /gate HTTP/1.1\r\n\r\n", "400"), ("GET /gate HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"),
            ("GET /gate HTTP/1.1\r\nHost : x\r\n\r\n", "400"),
            ("GET /gate HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", "400"),
            ("\u{0}\u{1}\u{16}\u{3}\r\n\r\n", "400"), ("GET /gate HTTP/2.0\r\nHost: x\r\n\r\n", "505"),
            ("GET /gate HTTP/1.1\r\nHost: x\r\nA: \(long)\r\n\r\n", "431"), (long + long, "431"),
        ]
        for one in cases {
            let name = one.request.prefix(60)
            let answer = try #require(try ask(house, one.request), "\(name)")
            #expect(answer.hasPrefix("HTTP/1.1 \(one.status) "), "\(name): \(answer)")
            let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
            let head = parts[0].split(separator: "\r\n")
            for header in ["Connection: close", "Cache-Control: no-store", "Content-Type: text/plain; charset=utf-8"] {
                #expect(head.contains { $0 == header }, "\(name): \(header)")
            }
            #expect(head.contains("Allow: GET, HEAD") == (one.status == "405"))
            let body = parts.count > 1 ? parts[1] : ""
            if one.request.hasPrefix("HEAD") {
                #expect(body.isEmpty && head.contains("Content-Length: 5"))
            } else {
                #expect(head.contains("Content-Length: \(body.utf8.count)"), "\(name)")
                #expect(body.hasSuffix("\n") && body.count { $0 == "\n" } == 1, "\(name): one answer of one line")
            }
            #expect(!answer.contains("passwd") && !answer.contains(house.folder.path.string))
        }
        // Half a request, and nothing more.
        let half = try #require(try HTTPClient.connected(in: house.node))
        half.send("GET /gate HTT")
        #expect(try half.answer().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `slow, silent and flooding clients cost nobody else an answer`() throws {
        let house = try house(at: "127.0.0.1:9477")
        try waitForAnswer(house, "200 OK", "open")
        let process = try #require(try listener(of: house))
        // A thousand that say nothing or half, and some that never stop talking and never listen.
        let crowd = try RunningProgram([
            "ip", "netns", "exec", house.node.name, "python3", "-uc",
            """
            import resource, socket, threading
            resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
            def connect():
                s = socket.create_connection(("127.0.0.1", 9477), 60)
                return s
            def flood():
                while True:
                    try:
                        s = connect()
                        while True: s.sendall(b"GET /gate HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" * 1000)
                    except OSError: pass
            held = []
            for number in range(1000):
                s = connect()
                if number % 2: s.send(b"GET /ga")
                held.append(s)
            print("silent", flush=True)
            for _ in range(8): threading.Thread(target=flood, daemon=True).start()
            print("flooding", flush=True)
            threading.Event().wait()
            """,
        ])
        try crowd.waitForOutput("silent")
        #expect(try ask(house)?.hasSuffix("\r\n\r\nopen\n") == true)
        try crowd.waitForOutput("flooding")
        for _ in 0..<20 { #expect(try ask(house)?.hasSuffix("\r\n\r\nopen\n") == true) }
        // The agent hears nothing of it, and goes on telling: what is answered is of now.
        try house.setTunnel(up: false)
        try waitForAnswer(house, "503 Service Unavailable", "shut: vpn.interface is fail")
        try house.setTunnel(up: true)
        try waitForAnswer(house, "200 OK", "open")
        #expect(Processes.isAlive(process), "still the same listener")
        crowd.signal(SIGKILL)
        _ = try crowd.finish()
    }

    @Test func `an init container without any right waits for the gate by it`() throws {
        let house = try house(at: "127.0.0.1:9477")
        try house.setTunnel(up: false)
        try waitForAnswer(house, "503 Service Unavailable", "shut: vpn.interface is fail")
        func waitOpen(_ arguments: String...) throws -> RunningProgram {
            try RunningProgram(
                [
                    "ip", "netns", "exec", house.node.name, "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups",
                    "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", builtProgram("nodeguard"), "wait-open",
                ] + arguments, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        }
        let url = "http://127.0.0.1:9477/gate"
        let late = try waitOpen("--url", url, "--timeout", "1s").finish()
        #expect(late.status == 1)
        #expect(late.errors.contains("the gate did not open in time") && late.errors.contains("vpn.interface is fail"))
        // Whatever else answers there is not an open gate.
        #expect(try waitOpen("--url", "http://127.0.0.1:9477/other", "--timeout", "0s").finish().status == 1)
        #expect(try waitOpen("--url", "https://127.0.0.1:9477/gate").finish().status == 64)
        let waiting = try waitOpen("--url", "http://localhost:9477")
        try waiting.waitForErrors("waiting: ")
        try house.setTunnel(up: true)
        #expect(try waiting.finish().status == 0)
    }
}
