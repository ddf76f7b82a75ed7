import Agent
import Config
import LinuxSystem
import Policy
import SystemPackage
import TestSupport
import Testing

/// What `nodeguard setup` proposes for hosts made of files.
@Suite struct SetupTests {
    private let host: MadeUpHost

    init() throws {
        host = try MadeUpHost()
    }

    /// Geth on the host's network, whose peers come and go by the VPN.
    private func addGeth(_ more: [String] = [], uid: UInt32 = 1001) throws {
        try host.process(
            700, "/usr/bin/geth", ["--datadir", "/data/geth"], uid: uid,
            sockets: [
                "tcp/0.0.0.0:30303", "udp/0.0.0.0:30303", "tcp/127.0.0.1:8551", "tcp/10.5.0.2:30303 77.1.2.3:4000",
                "tcp/10.5.0.2:41000 212.4.5.6:30303",
            ] + more)
    }

    private static func settings(_ proposal: Proposal) throws -> Configuration {
        try #require(proposal.loaded, "\(proposal.problems)\n\(proposal.yaml)").settings
    }

    @Test func `a host whose validator works by the VPN gets the whole gate`() throws {
        try addGeth()
        let proposal = try host.proposal()
        let settings = try Self.settings(proposal)
        #expect(proposal.reservations == [])
        #expect(proposal.problems.map(\.description) == [])
        #expect(settings.policy.gate.mode == .enforce)
        #expect(settings.policy.gate.direction == .both)
        #expect(settings.policy.gate.answerVia == .vpn)
        #expect(settings.policy.vpn.interfaces == ["nordlynx"])
        let geth = try #require(settings.validators.first)
        #expect(geth.name == "geth" && geth.profile == "geth" && geth.uid?.number == 1001 && geth.pod == nil)
        #expect(geth.ports == ["tcp/30303", "udp/30303"])
        #expect(settings.scan.targets.first { $0.name == "validators" }?.paths.map(\.text) == ["/data/geth"])
        #expect(settings.policy.vpn.local.map(\.text) == ["10.42.0.0/16"])
    }

    @Test func `every line says what was seen`() throws {
        try addGeth()
        var previous: Substring = ""
        for line in try host.proposal().yaml.split(separator: "\n") where !line.hasPrefix("#") {
            #expect(
                line.contains(" # ") || previous.drop { $0 == " " }.hasPrefix("#")
                    || line.drop { $0 == " " }.hasPrefix("#"), "\(line)")
            previous = line
        }
    }

    @Test func `one peer of the home network is enough to only observe, and is named`() throws {
        try addGeth(["tcp/192.168.1.10:30303 192.168.1.20:5000"])
        let proposal = try host.proposal()
        let settings = try Self.settings(proposal)
        #expect(settings.policy.gate.mode == .observe)
        #expect(settings.policy.gate.direction == .inbound)
        #expect(settings.policy.gate.answerVia == .any)
        #expect(proposal.reservations == ["geth answers 192.168.1.20 on tcp/30303, by eth0 and not by the VPN"])
        #expect(proposal.yaml.contains("# against enforcing: geth answers 192.168.1.20"))
    }

    @Test func `a forwarded port of the home router speaks against it too`() throws {
        // The kernel would answer by the tunnel, but with the address at home.
        try addGeth(["tcp/192.168.1.10:30303 203.0.113.9:5000"])
        let proposal = try host.proposal()
        #expect(proposal.mode == .observe)
        #expect(proposal.reservations.first?.contains("with the address 192.168.1.10 of eth0") == true)
    }

    @Test func `a resolver at home would not be asked any more`() throws {
        try addGeth()
        try host.folder.write("etc/resolv.conf", "nameserver 127.0.0.53\n")
        #expect(try host.proposal().mode == .enforce)
        try host.folder.write("etc/resolv.conf", "search lan\nnameserver 192.168.1.1\n")
        let proposal = try host.proposal()
        #expect(proposal.mode == .observe)
        #expect(proposal.reservations == ["geth asks 192.168.1.1 for names, by eth0 and not by the VPN"])
    }

    @Test func `the data is where the client has files open, if its arguments don't tell`() throws {
        try host.process(700, "/usr/bin/geth", sockets: ["tcp/0.0.0.0:30303"])
        try host.link("proc/700/fd/77", "/srv/eth/geth/chaindata/000123.ldb")
        let settings = try Self.settings(try host.proposal())
        #expect(settings.scan.targets.first { $0.name == "validators" }?.paths.map(\.text) == ["/srv/eth"])
    }

    @Test func `a posture that would shut the gate is no time to enforce it`() throws {
        try addGeth()
        let proposal = try host.proposal { _ in
            .bad(.selinuxEnforcing, .fail(remedy: "x"), "SELinux is off")
        }
        #expect(proposal.mode == .observe)
        #expect(proposal.reservations == ["selinux.enforcing: SELinux is off"])
    }

    @Test func `without a connection nothing is known`() throws {
        try host.process(700, "/usr/bin/geth", sockets: ["tcp/0.0.0.0:30303"])
        let proposal = try host.proposal()
        #expect(proposal.mode == .observe)
        #expect(proposal.reservations.first?.hasPrefix("no connection of a validator") == true)
    }

    @Test func `without a VPN its interfaces stay as they are`() throws {
        try addGeth()
        let proposal = try host.proposal(.withoutVPN, main: "policy: { vpn: { interfaces: [wg7] } }\n")
        let settings = try Self.settings(proposal)
        #expect(settings.policy.vpn.interfaces == ["wg7"])
        #expect(settings.policy.gate.mode == .observe)
        #expect(proposal.notes.contains { $0.hasPrefix("no VPN interface was found") })
    }

    @Test func `a VPN that is not connected now is proposed, and not enforced`() throws {
        try addGeth()
        var down = HostNetwork.vpn
        down.isUp = false
        let proposal = try host.proposal(.network([HostNetwork.home, down], internet: "eth0"))
        let policy = try Self.settings(proposal).policy
        #expect(policy.vpn.interfaces == ["nordlynx"])
        #expect(policy.gate.mode == .observe)
    }

    @Test func `a client with other ports is known by its options, and by TCP and UDP being the same`() throws {
        try host.process(
            701, "/opt/lighthouse", ["bn", "--port=9100", "--quic-port", "9105", "--http-port", "5099"],
            sockets: [
                "tcp/0.0.0.0:9100", "udp/0.0.0.0:9100", "udp/0.0.0.0:9105", "tcp/0.0.0.0:5099", "tcp/0.0.0.0:5052",
                "tcp/10.5.0.2:9100 77.1.2.3:4000",
            ])
        let proposal = try host.proposal()
        let validator = try #require(try Self.settings(proposal).validators.first)
        #expect(validator.profile == "lighthouse")
        #expect(validator.ports == ["tcp/9100", "udp/9100", "udp/9105"])
        #expect(proposal.yaml.contains("it also listens on tcp/5052"))
        #expect(proposal.yaml.contains("it also listens on tcp/5099"))
    }

    @Test func `a client under an interpreter is known by its main class`() throws {
        try host.process(
            702, "/usr/lib/jvm/bin/java",
            ["-Xmx5g", "-classpath", "/opt/teku/lib/*", "tech.pegasys.teku.Teku", "--data-path=/srv/teku"],
            sockets: ["tcp/0.0.0.0:9000", "udp/0.0.0.0:9000"])
        try host.process(703, "/usr/lib/jvm/bin/java", ["-jar", "other.jar"], sockets: ["tcp/0.0.0.0:9001"])
        let validators = try Self.settings(try host.proposal()).validators
        #expect(validators.map(\.name) == ["teku"])
        #expect(validators.first?.ports == ["tcp/9000", "udp/9000"])
    }

    @Test func `a user that is not the validator's alone is not proposed`() throws {
        try addGeth()
        try host.process(800, "/usr/bin/nginx", uid: 1001)
        let shared = try host.proposal()
        #expect(try Self.settings(shared).validators.first?.uid == nil)
        #expect(shared.yaml.contains("uid: not proposed: nginx (process 800) has the user"))

        let other = try MadeUpHost()
        try other.folder.write("etc/passwd", "alice:x:1001:1001::/home/alice:/bin/bash\n")
        try other.process(700, "/usr/bin/geth", sockets: ["tcp/0.0.0.0:30303"])
        #expect(try other.proposal().yaml.contains("uid: not proposed: alice (1001) can log in"))

        let third = try MadeUpHost()
        try third.process(700, "/usr/bin/geth", uid: 0, sockets: ["tcp/0.0.0.0:30303"])
        let root = try third.proposal()
        #expect(root.yaml.contains("uid: not proposed: it runs as root"))
        #expect(try Self.settings(root).validators.first?.uid == nil)
    }

    private static let uid = "0a1b2c3d-0a1b-2c3d-4e5f-0123456789ab"

    /// Lighthouse in a pod with a network, a volume and a hostPort of its own.
    private func addPod() throws {
        try host.process(
            900, "/usr/local/bin/lighthouse", ["bn", "--datadir", "/chaindata/lh"], uid: 1000,
            network: "net:[4026532999]",
            group:
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(Self.uid.replacing("-", with: "_")).slice/cri-containerd-ff.scope",
            sockets: ["tcp/0.0.0.0:9000", "udp/0.0.0.0:9000", "tcp/10.42.0.7:9000 77.1.2.3:4000"])
        try host.folder.write("proc/900/net/fib_trie", "Local:\n  |-- 10.42.0.7\n     /32 host LOCAL\n")
        try host.folder.write(
            "proc/900/mountinfo",
            "30 1 0:50 / / rw - overlay overlay rw\n31 30 8:1 /var/lib/rancher/rke2/storage/pvc-9 /chaindata rw - ext4 /dev/sda1 rw\n"
        )
        try host.folder.write("var/log/pods/eth_lighthouse-7d9c6b5f4-x2x9z_\(Self.uid)/x", "")
        try host.folder.write("var/lib/rancher/rke2/storage/pvc-9/x", "")
        try host.folder.write(
            "var/lib/cni/results/k8s-ff",
            """
            {"kind":"cniCacheV1","cniArgs":[["K8S_POD_UID","\(Self.uid)"]],
             "capabilityArgs":{"portMappings":[{"hostPort":19000,"containerPort":9000,"protocol":"TCP"}]}}
            """)
    }

    @Test func `a pod is named by namespace and pattern, with its hostPort and its volume`() throws {
        try addPod()
        let proposal = try host.proposal()
        let settings = try Self.settings(proposal)
        let validator = try #require(settings.validators.first)
        #expect(validator.pod?.namespace.text == "eth")
        #expect(validator.pod?.name.text == "lighthouse-*")
        #expect(validator.externalPorts == ["tcp/19000"])
        #expect(validator.uid == nil)
        #expect(
            settings.scan.targets.first { $0.name == "validators" }?.paths.map(\.text) == [
                "/var/lib/rancher/rke2/storage"
            ])
        #expect(settings.policy.vpn.local.map(\.text) == ["10.42.0.0/16", "10.43.0.0/16"])
        #expect(settings.policy.gate.mode == .enforce, "\(proposal.reservations)")
    }

    @Test func `a pod that no file names keeps the gate from enforcing`() throws {
        try addPod()
        _ = try runProgram(["rm", "-r", host.folder.path.appending("var/log").string])
        let proposal = try host.proposal()
        #expect(proposal.mode == .observe)
        #expect(proposal.reservations.contains { $0.contains("no file tells the name of its pod") })
    }

    @Test func `a container that is no pod takes no port twice`() throws {
        try host.process(700, "/usr/bin/geth", sockets: ["tcp/0.0.0.0:30303"])
        try host.process(
            701, "/usr/bin/geth", network: "net:[7]", group: "/system.slice/docker-aa.scope",
            sockets: ["tcp/0.0.0.0:30303"])
        let proposal = try host.proposal()
        #expect(try Self.settings(proposal).validators.map(\.name) == ["geth"])
        #expect(proposal.yaml.contains("not proposed: geth-2, geth (process 701)"))
        #expect(proposal.mode == .observe)
    }

    @Test func `two of a kind are two validators, and a child is none of its own`() throws {
        try host.process(700, "/usr/bin/geth", ["--port", "30303"], sockets: ["tcp/0.0.0.0:30303"])
        try host.process(
            701, "/usr/bin/geth", ["--port", "30313"], sockets: ["tcp/0.0.0.0:30313", "udp/0.0.0.0:30313"])
        try host.process(702, "/usr/bin/geth", parent: 701)
        let validators = try Self.settings(try host.proposal()).validators
        #expect(validators.map(\.name) == ["geth", "geth-2"])
        #expect(validators.last?.ports == ["tcp/30313", "udp/30313"])
    }

    @Test func `what a process calls itself can't leave its comment`() throws {
        try host.folder.write("etc/hostname", "x: [\u{1b}[31m\n")
        try host.process(700, "/tmp/geth", ["--datadir", "/a\nmode: disabled"], sockets: ["tcp/0.0.0.0:30303"])
        let proposal = try host.proposal()
        #expect(try Self.settings(proposal).policy.gate.mode == .observe)
        #expect(!proposal.yaml.utf8.contains(0x1b))
        #expect(try Self.settings(proposal).scan.targets.last?.paths.map(\.text) == ["/a\nmode: disabled"])
    }

    @Test func `nothing found is said plainly, and is valid`() throws {
        let proposal = try host.proposal(.withoutVPN)
        #expect(try Self.settings(proposal).validators.isEmpty)
        #expect(proposal.notes.contains { $0.hasPrefix("no validator client was found") })
        #expect(proposal.yaml.contains("# validators: none"))
    }

    @Test func `the metrics go where the node exporter reads`() throws {
        try host.process(50, "/usr/bin/prometheus-node-exporter", ["--collector.textfile.directory=/srv/textfile"])
        #expect(try Self.settings(try host.proposal()).metrics.textfile?.text == "/srv/textfile/nodeguard.prom")
    }

    @Test func `it is judged with the rest of conf.d, and instead of what it wrote before`() throws {
        try addGeth()
        try host.folder.write("etc/nodeguard/conf.d/50-setup.yaml", "nonsense: 1\n")
        try host.folder.write("etc/nodeguard/conf.d/60-mine.yaml", "policy: { gate: { lease: 9s } }\n")
        let settings = try Self.settings(try host.proposal())
        #expect(settings.policy.gate.lease == "9s")
        #expect(settings.policy.gate.mode == .enforce)
        try host.folder.write("etc/nodeguard/conf.d/60-mine.yaml", "policy: { gate: { leash: 9s } }\n")
        let refused = try host.proposal()
        #expect(refused.loaded == nil)
        #expect(refused.problems.contains { $0.description.contains("did you mean lease") })
    }

    // MARK: Writing

    @Test func `it is written once, with its mode, and never over another`() throws {
        try addGeth()
        let proposal = try host.proposal()
        let main = host.folder.path.appending("etc/nodeguard/nodeguard.yaml")
        let file = try proposal.write(beside: main)
        #expect(file == main.removingLastComponent().appending("conf.d/50-setup.yaml"))
        #expect(HostFiles().status(file.string)?.permissions == 0o644)
        #expect(HostFiles().text(file.string) == proposal.yaml)
        #expect(HostFiles().names(file.removingLastComponent().string).value == ["50-setup.yaml"])
        let error = #expect(throws: Proposal.NotWritten.self) { try proposal.write(beside: main) }
        #expect(error?.description.contains("edit it, or remove it") == true)
        let checked = try runProgram([try builtProgram("nodeguard"), "config", "check", main.string])
        #expect(checked.status == 0, "\(checked.errors)")
        #expect(checked.errors == "")
    }

    @Test func `it is not written where it does not go with the rest`() throws {
        try addGeth()
        // The port belongs to somebody else already.
        let proposal = try host.proposal(main: "validators: [{ name: mine, ports: [tcp/30303] }]\n")
        #expect(proposal.loaded == nil)
        let main = host.folder.path.appending("etc/nodeguard/nodeguard.yaml")
        #expect(throws: Proposal.NotWritten.self) { try proposal.write(beside: main) }
        #expect(!HostFiles().exists(main.removingLastComponent().appending("conf.d").string))
    }
}
