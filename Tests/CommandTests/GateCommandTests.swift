import SystemPackage
import TestSupport
import Testing

@Suite("nodeguard gate, in a network namespace of its own (needs root)")
struct GateCommandTests {
    private let namespace: NetworkNamespace
    private let folder: TemporaryFolder
    private let configuration: FilePath

    init() throws {
        namespace = try NetworkNamespace()
        folder = try TemporaryFolder()
        configuration = try folder.write(
            "nodeguard.yaml",
            """
            validators:
              - { name: geth, ports: [udp/9000, tcp/9000] }
            policy:
              gate: { mode: enforce }
            journal: { enabled: false }
            paths: { state: \(folder.path.appending("state")), runtime: \(folder.path.appending("run")) }

            """)
    }

    private func gate(_ arguments: String...) throws -> ProgramResult {
        try runProgram(
            ["ip", "netns", "exec", namespace.name, try builtProgram("nodeguard"), "gate"] + arguments
                + ["--config", configuration.string])
    }

    /// Whether a packet from the outside gets through, told by a real one.
    private func passes() throws -> Bool {
        let peer = try NetworkNamespace()
        try namespace.shell(
            """
            ip link add home0 address 02:00:00:00:00:02 type veth peer name isp0 address 02:00:00:00:00:01 \
                netns \(peer.name)
            ip link set home0 up; ip address add 192.0.2.2/24 dev home0
            """)
        try peer.shell(
            "ip link set isp0 up; ip address add 192.0.2.1/24 dev isp0; "
                + "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev isp0")
        let guarded = try PacketReceiver(in: namespace, port: 9000)
        let flood = try PacketFlood(from: peer, to: "192.0.2.2", port: 9000)
        flood.begin(phase: 1, packets: 100)
        flood.begin(phase: 2)
        _ = flood.stop()
        let passed = guarded.packets().count
        try namespace.shell("ip link delete home0")
        return passed > 0
    }

    @Test func `the early closing shuts the ports before anything else runs`() throws {
        #expect(try passes())
        #expect(try gate("status").status == 2)
        let early = try gate("close", "--early")
        #expect(early.status == 0, "\(early.errors)")
        #expect(!(try passes()))
        let status = try gate("status")
        #expect(status.status == 1)
        #expect(status.output.hasPrefix("CLOSED: no lease"))
        let json = try gate("status", "--json").output
        #expect(json.contains("\"shut\" : "))
        #expect(!json.contains("\"shut\" : 0"))
    }

    @Test func `a forced closing holds through a reboot and against open, until resume`() throws {
        let closed = try gate("close", "--reason", "keys moved")
        #expect(closed.status == 0, "\(closed.errors)")
        #expect(closed.output.contains("does not stop a client from signing"))
        #expect(!(try passes()))
        // A reboot leaves nothing in the kernel and nothing under /run.
        try namespace.shell("nft delete table inet nodeguard; rm -rf '\(folder.path.appending("run"))'")
        #expect(try gate("close", "--early").status == 0)
        let status = try gate("status")
        #expect(status.status == 1)
        #expect(status.output.contains("keys moved"))
        let opened = try gate("open", "--for", "10m", "--reason", "no")
        #expect(opened.status == 1)
        #expect(opened.errors.contains("nodeguard gate resume"))
        #expect(!(try passes()))
        #expect(try gate("resume").status == 0)
        #expect(try gate("status").output.hasPrefix("CLOSED: no lease"))
    }

    @Test func `breaking the glass opens it for a time, and resume ends that`() throws {
        #expect(try gate("close", "--early").status == 0)
        let opened = try gate("open", "--for", "1h", "--reason", "maintenance")
        #expect(opened.status == 0, "\(opened.errors)")
        #expect(try passes())
        let status = try gate("status", "--json")
        #expect(status.status == 0)
        #expect(status.output.contains("\"override\" : \"open_by_hand\""))
        #expect(status.output.contains("\"schema\" : 1"))
        #expect(try gate("resume").status == 0)
        #expect(!(try passes()))
        // A glass broken for a second is whole after it, without anybody doing anything.
        #expect(try gate("open", "--for", "1s", "--reason", "short").status == 0)
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while try gate("status").status != 1 { try #require(ContinuousClock.now < deadline) }
        #expect(!(try passes()))
    }

    @Test func `removing takes every table away, says that the ports are open, and forgets no forced closing`() throws {
        let nothing = try gate("remove")
        #expect(nothing.status == 0)
        #expect(nothing.errors.isEmpty, "\(nothing.errors)")
        #expect(try gate("close", "--reason", "keys moved").status == 0)
        try namespace.shell("nft add table inet other")
        // Packages are removed with whatever configuration there is.
        try folder.write("conf.d/90-wrong.yaml", "polcy: {}\n")
        let removed = try gate("remove")
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(removed.errors.contains("nothing shuts the validators' ports"))
        #expect(try namespace.shell("nft list tables") == "table inet other\n")
        #expect(try passes())
        try namespace.shell("rm '\(folder.path.appending("conf.d/90-wrong.yaml"))'")
        #expect(try gate("remove").errors.isEmpty)
        #expect(try gate("close", "--early").status == 0)
        let again = try gate("remove")
        #expect(again.errors.contains("keys moved"), "\(again.errors)")
        #expect(again.errors.contains("PORTS ARE OPEN"))
    }

    @Test func `wrong usage exits 64`() throws {
        #expect(try gate("close").status == 64)
        #expect(try gate("open", "--for", "soon", "--reason", "x").status == 64)
        #expect(try gate("open", "--reason", "x").status == 64)
    }

    @Test func `a port that the node needs is refused with a reason`() throws {
        try folder.write(
            "nodeguard.yaml", "validators: [{ name: x, ports: [tcp/22] }]\npolicy: { gate: { mode: enforce } }\n")
        let refused = try gate("close", "--reason", "x")
        #expect(refused.status == 2)
        #expect(refused.errors.contains("tcp/22 is SSH"))
    }

    @Test func `the ports of a profile are shut as those that are named`() throws {
        // The packaged lighthouse's are tcp/9000 and udp/9000 among others.
        try folder.write(
            "nodeguard.yaml",
            """
            validators: [{ name: lighthouse, profile: lighthouse }]
            policy: { gate: { mode: enforce } }
            journal: { enabled: false }
            paths: { state: \(folder.path.appending("state")), runtime: \(folder.path.appending("run")) }

            """)
        let early = try gate("close", "--early")
        #expect(early.status == 0, "\(early.errors)")
        #expect(!(try passes()))
    }

    @Test func `a port that is named twice is refused with a reason, and the last good ports are shut meanwhile`()
        throws
    {
        let state = folder.path.appending("state")
        try folder.write("state/last-good/nodeguard.yaml", "validators: [{ name: geth, ports: [udp/9000] }]\n")
        try folder.write("state/last-good/conf.d/10-gate.yaml", "policy: { gate: { mode: enforce } }\n")
        try folder.write("conf.d/20-more.yaml", "validators: [{ name: other, ports: [udp/9000] }]\n")
        let early = try gate("close", "--early", "--state", state.string)
        #expect(early.status == 0, "\(early.errors)")
        #expect(early.errors.contains("udp/9000 belongs to the validator geth already"))
        #expect(!(try passes()))
    }

    @Test func `a bad configuration on a host where nothing was ever enforced cuts nothing off`() throws {
        try folder.write("nodeguard.yaml", "validators: [")
        let early = try gate("close", "--early", "--state", folder.path.appending("state").string)
        #expect(early.status == 0, "\(early.errors)")
        #expect(early.errors.contains("Nothing was ever enforced"))
        #expect(try namespace.shell("nft list tables") == "")
    }

    @Test(arguments: ["validators: [", nil])
    func `with a bad configuration, or none, the last good one is used`(text: String?) throws {
        let state = folder.path.appending("state")
        let kept = try runProgram(
            [
                "sh", "-ec", "mkdir -p \"$1/last-good/conf.d\"; cp \"$0\" \"$1/last-good/\"", configuration.string,
                state.string,
            ])
        try #require(kept.status == 0, "\(kept.errors)")
        if let text {
            try folder.write("nodeguard.yaml", text)
        } else {
            _ = try runProgram(["rm", configuration.string])
        }
        let early = try gate("close", "--early", "--state", state.string)
        #expect(early.status == 0, "\(early.errors)")
        #expect(early.errors.contains("the last good one"))
        #expect(!(try passes()))
    }

    @Test
    func `a last good configuration that cannot be read shuts the ports of every profile, and no port of the node's`()
        throws
    {
        try folder.write("nodeguard.yaml", "validators: [")
        try folder.write("state/last-good/nodeguard.yaml", "policy: [")
        let early = try gate("close", "--early", "--state", folder.path.appending("state").string)
        #expect(early.status == 0, "\(early.errors)")
        #expect(early.errors.contains("the ports of every profile are shut"))
        #expect(!(try passes()))
        let ports = try namespace.shell("nft list set inet nodeguard ports")
        #expect(ports.contains("30303"))
        for port in ["22 ", "22,", " 6443", " 9345", " 10250", " 51820", " 1194"] {
            #expect(!ports.contains("tcp . \(port)"), "\(ports)")
            #expect(!ports.contains("udp .\(port)"), "\(ports)")
        }
    }

    @Test func `a forced closing holds early, whatever else is lost, and in observe too`() throws {
        try folder.write(
            "nodeguard.yaml",
            """
            validators: [{ name: geth, ports: [udp/9000] }]
            journal: { enabled: false }
            paths: { state: \(folder.path.appending("state")), runtime: \(folder.path.appending("run")) }

            """)
        let closed = try gate("close", "--reason", "keys moved")
        #expect(closed.status == 0, "\(closed.errors)")
        #expect(!(try passes()))
        try namespace.shell("nft delete table inet nodeguard")
        #expect(try gate("close", "--early").status == 0)
        #expect(!(try passes()))
        try namespace.shell("nft delete table inet nodeguard")
        try folder.write("nodeguard.yaml", "validators: [")
        let early = try gate("close", "--early", "--state", folder.path.appending("state").string)
        #expect(early.status == 0)
        #expect(early.errors.contains("keys moved"))
        #expect(!(try passes()))
    }

    @Test func `where there is no gate, closing it is refused`() throws {
        try folder.write("conf.d/20-off.yaml", "policy: { gate: { mode: disabled } }\n")
        let closed = try gate("close", "--reason", "x")
        #expect(closed.status == 2)
        #expect(closed.errors.contains("policy.gate.mode is disabled"))
        #expect(try namespace.shell("nft list tables") == "")
    }

    @Test func `without the right to change the firewall it says so, and nothing is called shut`() throws {
        let program = try builtProgram("nodeguard")
        _ = try runProgram(["chmod", "755", folder.path.string])
        let refused = try runProgram([
            "ip", "netns", "exec", namespace.name, "setpriv", "--reuid", "65534", "--clear-groups",
            "--bounding-set", "-all", "--inh-caps", "-all", program, "gate", "close", "--early", "--config",
            configuration.string,
        ])
        #expect(refused.status == 2)
        #expect(refused.errors.contains("NOT shut"))
        #expect(refused.errors.contains("CAP_NET_ADMIN"))
    }
}
