import Agent
import Config
import LinuxSystem
import Policy
import SystemPackage
import TestSupport
import Testing

/// `nodeguard setup` and `nodeguard doctor` on this machine, in a network namespace with a real tun device, real sockets
/// and programs that are called as clients are. Needs root.
@Suite("setup and doctor on a real node (needs root)")
struct RealHostTests {
    private let node: NetworkNamespace
    private let peer: NetworkNamespace
    private let folder: TemporaryFolder
    private let tunnel: Pump
    /// Holds a PID namespace, so that clients of other tests on this machine are not found; all in it die with it.
    private let holder: RunningProgram
    private let inside: Int32
    private let main: FilePath

    /// The default route of the node leads through a tunnel; the peer is at its other end, and in the network at home.
    init() throws {
        node = try NetworkNamespace()
        peer = try NetworkNamespace()
        folder = try TemporaryFolder()
        tunnel = try Pump.tunnel(node, peer, interface: "nordtun")
        holder = try RunningProgram([
            "ip", "netns", "exec", node.name, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
            "echo ready; exec sleep 3600",
        ])
        try holder.waitForOutput("ready")
        inside = try #require(Processes.children(of: holder.pid).first)
        try node.shell(
            """
            ip link add home0 type veth peer name isp0 netns \(peer.name)
            ip link set home0 up; ip address add 192.168.77.2/24 dev home0
            ip link set nordtun up; ip address add 10.8.0.2/24 dev nordtun
            ip route add default dev nordtun
            """)
        try peer.shell(
            """
            ip link set isp0 up; ip address add 192.168.77.1/24 dev isp0
            ip link set nordtun up; ip address add 10.8.0.1/24 dev nordtun
            ip address add 198.51.100.9/32 dev lo; ip route add 10.8.0.2/32 dev nordtun
            """)
        main = try folder.write(
            "nodeguard.yaml",
            """
            policy: { vpn: { interfaces: [nordtun] } }
            journal: { enabled: false }
            paths: { state: \(folder.path.appending("state")), runtime: \(folder.path.appending("run")) }
            metrics: { textfile: \(folder.path.appending("metrics/nodeguard.prom")) }

            """)
    }

    private var enter: [String] { ["nsenter", "--target", "\(inside)", "--pid", "--mount", "--net"] }

    private func nodeguard(_ arguments: String...) throws -> ProgramResult {
        try runProgram(enter + [try builtProgram("nodeguard")] + arguments + ["--config", main.string])
    }

    /// A program of this name: a copy of Python, which is a program of its own for the kernel.
    private func start(_ name: String, by enter: [String], _ script: String) throws -> RunningProgram {
        let program = folder.path.appending(name).string
        let python = try runProgram([
            "python3", "-c", "import os, sys; print(os.path.realpath(sys.executable), sys.base_prefix)",
        ])
        let found = python.output.split(whereSeparator: \.isWhitespace).map(String.init)
        _ = try runProgram(["cp", found[0], program])
        let running = try RunningProgram(
            enter + [
                "env", "PYTHONHOME=\(found[1])", program, "-c",
                "import socket, sys, time\n" + script + "\nprint('ready', flush=True)\ntime.sleep(3600)", "--datadir",
                folder.path.appending("data").string,
            ])
        try running.waitForOutput("ready")
        return running
    }

    /// Geth: listens for peers on all addresses, has its engine API on loopback, and talks to a peer.
    private func startGeth(engine: String = "127.0.0.1", peerAt address: String) throws -> RunningProgram {
        try start(
            "geth", by: enter,
            """
            # As Go does it: one socket of IPv6 for both families, so IPv4's peers stand among IPv6's.
            t = socket.create_server(('::', 30303), family=socket.AF_INET6, dualstack_ipv6=True); e = socket.create_server(('\(engine)', 8551))
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('0.0.0.0', 30303))
            c = socket.socket(socket.AF_INET6, socket.SOCK_STREAM); c.connect(('::ffff:\(address)', 30303))
            """)
    }

    private func startPeer() throws -> RunningProgram {
        try start(
            "elsewhere", by: ["ip", "netns", "exec", peer.name], "s = socket.create_server(('0.0.0.0', 30303))")
    }

    @Test func `a validator behind a tunnel is found, and only what this kernel lacks speaks against the gate`() throws
    {
        let other = try startPeer()
        let geth = try startGeth(peerAt: "198.51.100.9")
        defer {
            geth.signal(9)
            other.signal(9)
        }
        let result = try nodeguard("setup", "--json")
        #expect(result.status == 0, "\(result.errors)")
        let yaml = try nodeguard("setup").output
        #expect(yaml.contains("ports: [tcp/30303, udp/30303]"))
        #expect(yaml.contains("interfaces: [nordtun]"))
        #expect(yaml.contains("nordtun (tun) carries the route to the internet"))
        #expect(yaml.contains(folder.path.appending("data").string))
        #expect(yaml.contains("uid: not proposed: it runs as root"))
        // SELinux is what a machine that tests has not got; nothing else stands in the way.
        let against = yaml.split(separator: "\n").filter { $0.contains("against enforcing") }
        #expect(against.allSatisfy { $0.contains("selinux.enforcing") }, "\(against)")
        #expect(result.output.contains("\"valid\" : true"))

        let written = try nodeguard("setup", "--write")
        #expect(written.status == 0, "\(written.errors)")
        #expect(written.stdout.isEmpty)
        #expect(written.errors.contains("systemctl reload nodeguard"))
        let checked = try nodeguard("config", "check")
        #expect(checked.status == 0, "\(checked.errors)")
        let again = try nodeguard("setup", "--write")
        #expect(again.status == 2)
        #expect(again.errors.contains("50-setup.yaml is there already"))
    }

    @Test func `a peer that is reached at home speaks against it`() throws {
        let other = try startPeer()
        let geth = try startGeth(peerAt: "192.168.77.1")
        defer {
            geth.signal(9)
            other.signal(9)
        }
        let yaml = try nodeguard("setup").output
        #expect(yaml.contains("mode: observe"))
        #expect(yaml.contains("geth talks to 192.168.77.1, tcp/30303, by home0 and not by the VPN"))
    }

    @Test
    func
        `doctor sees a client that nobody guards, an open engine API, a flowtable and a node exporter without the folder`()
        throws
    {
        let other = try startPeer()
        let geth = try startGeth(engine: "0.0.0.0", peerAt: "198.51.100.9")
        let hasFlowtables =
            (try? node.shell(
                "nft 'add table inet kube; add flowtable inet kube ft { hook ingress priority 0; devices = { lo }; }'"))
            != nil
        if !hasFlowtables { print("this kernel has no flowtables: doctor cannot meet one") }
        let exporter = try RunningProgram(
            enter + [
                "prometheus-node-exporter", "--web.listen-address=127.0.0.1:19100", "--collector.disable-defaults",
                "--collector.textfile", "--collector.textfile.directory=\(folder.path)",
            ])
        defer {
            geth.signal(9)
            other.signal(9)
            exporter.signal(9)
        }
        try exporter.waitForErrors("19100")
        let result = try nodeguard("doctor")
        #expect(result.status == 1)
        func has(_ id: String, _ words: String) -> Bool {
            result.output.split(separator: "\n\n").contains { $0.contains(" \(id)\n") && $0.contains(words) }
        }
        #expect(has("gate.unguarded", "geth (process "), "\(result.output)")
        #expect(has("ports.exposed", "tcp/8551 at 0.0.0.0"))
        #expect(has("gate.flowtable", "kube/ft") == hasFlowtables)
        #expect(has("metrics.no-folder", "metrics"))
        #expect(has("metrics.other-folder", "reads \(folder.path), and the metrics are written to"))
        #expect(!result.output.contains("vpn.not-configured"))

        let json = try runProgram(
            [
                "python3", "-c",
                "import json,sys; d=json.load(sys.stdin); print(d['schema'], all(f['id'] and f['seen'] and f['fix'] for f in d['findings']))",
            ], input: try nodeguard("doctor", "--json").stdout)
        #expect(json.output == "1 True\n")
    }

    @Test func `an agent that holds the lock is one that runs, whatever systemd says`() throws {
        let titles = ["agent.no-systemd", "agent.not-installed", "agent.not-running", "agent.failed"]
        let before = try nodeguard("doctor").output
        #expect(titles.contains(where: before.contains), "\(before)")
        let lock = try folder.write("state/lock", "")
        let agent = try RunningProgram(
            enter + ["flock", "--no-fork", lock.string, "sh", "-c", "echo held; exec sleep 3600"])
        defer { agent.signal(9) }
        try agent.waitForOutput("held")
        let output = try nodeguard("doctor").output
        #expect(!titles.dropLast().contains(where: output.contains), "\(output)")
    }

    @Test func `a configuration that can't be loaded is told, and doctor goes on`() throws {
        try folder.write("nodeguard.yaml", "policy: { vpm: {} }\n")
        let result = try nodeguard("doctor")
        #expect(result.status == 1)
        #expect(result.output.contains("did you mean vpn?"))
        #expect(result.output.contains("config.invalid"))
        #expect(result.output.contains("signatures") || result.output.contains("engine"))
        let written = try nodeguard("setup", "--write")
        #expect(written.status == 2)
        #expect(!HostFiles().exists(folder.path.appending("conf.d").string))
    }

    @Test func `without a main file nothing is written`() throws {
        let result = try runProgram([
            try builtProgram("nodeguard"), "setup", "--write", "--config", folder.path.appending("none.yaml").string,
        ])
        #expect(result.status == 2)
        #expect(result.errors.contains("create it"))
    }

    @Test func `the kernel tells of its clock and of a file system`() throws {
        let clock = try KernelClock.now()
        #expect(clock.largestErrorMicroseconds >= 0)
        let room = try FileSystemRoom.of("/proc")
        #expect(room.size == 0)
        #expect(!room.isInMemory)
    }
}
