import Agent
import Config
import FoundationEssentials
import Journal
import LinuxSystem
import Policy
import SystemPackage
import TestSupport
import Testing

/// What `nodeguard doctor` says of a host made of files: nothing where all is well, and one thing for each that is not.
@Suite struct DoctorTests {
    private let host: MadeUpHost
    private static let now: Int64 = 1_800_000_000

    /// A host where nothing is wrong.
    init() throws {
        host = try MadeUpHost()
        let folder = host.folder
        try folder.write(
            "etc/passwd",
            "root:x:0:0::/root:/bin/bash\ngeth:x:1001:1001::/:/usr/sbin/nologin\nnodeguard-engine:x:990:990::/:/usr/sbin/nologin\n"
        )
        try folder.write("usr/lib/x86_64-linux-gnu/libclamunrar_iface.so.11", "")
        try database("daily.cld", age: 3600)
        try folder.write("var/lib/prometheus/node-exporter/nodeguard.prom", "nodeguard_up 1\n")
        try folder.write("proc/pressure/io", "")
        try folder.write("proc/locks", "")
        try folder.write("sys/fs/cgroup/cgroup.controllers", "")
        try metrics { _ in }
        try host.process(
            50, "/usr/bin/prometheus-node-exporter",
            ["--collector.textfile.directory=/var/lib/prometheus/node-exporter"], uid: 2)
        try host.process(
            700, "/usr/bin/geth", sockets: ["tcp/0.0.0.0:30303", "udp/0.0.0.0:30303", "tcp/127.0.0.1:8551"])
    }

    private func database(_ name: String, age: Int64) throws {
        try host.folder.write("var/lib/clamav/\(name)", "ClamAV-VDB:now:27000:100:90:x:y:builder:\(Self.now - age)  \n")
    }

    /// The metrics that the last scan left, an hour ago.
    private func metrics(_ change: (inout MetricsSnapshot) -> Void) throws {
        var snapshot = MetricsSnapshot(version: "0.1.0")
        for name in ["system", "validators"] {
            var target = MetricsSnapshot.Target()
            target.lastCompletion = UnixTime(seconds: Self.now - 3600)
            target.nextScan = UnixTime(seconds: Self.now + 3600)
            snapshot.targets[MetricLabel(name)!] = target
        }
        change(&snapshot)
        try host.folder.write(
            "var/lib/nodeguard/metrics.json", String(decoding: try JSONEncoder().encode(snapshot), as: UTF8.self))
    }

    private static let good = """
        validators: [{ name: geth, ports: [tcp/30303, udp/30303], uid: 1001 }]
        policy: { vpn: { interfaces: [nordlynx] }, gate: { mode: enforce } }

        """

    private func examine(
        _ configuration: String = DoctorTests.good, network: HostNetwork? = .withVPN, isRoot: Bool = true,
        posture: Posture = .good, units: [String: SystemdState.Unit]? = DoctorTests.units,
        freshclam: [Diagnosis] = [],
        _ change: (inout MachineState) -> Void = { _ in }
    ) throws -> [Diagnosis] {
        let main = try host.folder.write("etc/nodeguard/nodeguard.yaml", configuration)
        var machine = MachineState(now: Self.now)
        change(&machine)
        let loaded = try readConfiguration(at: main, profiles: packaged)
        return Doctor.examine(
            Doctor.Patient(
                survey: host.survey(network) { _ in posture }, main: main, loaded: loaded, problems: loaded.warnings,
                isRoot: isRoot, machine: machine, systemd: SystemdState(units: units), freshclam: { _ in freshclam }))
    }

    private static let units = [
        "nodeguard.service": SystemdState.Unit(load: "loaded", active: "active", file: "enabled"),
        "nodeguard-early.service": SystemdState.Unit(load: "loaded", active: "inactive", file: "enabled"),
    ]

    private static func titles(_ findings: [Diagnosis]) -> [String] {
        findings.map { "\($0.severity.rawValue) \($0.id)" }
    }

    @Test func `where all is well nothing is found`() throws {
        #expect(try examine() == [])
    }

    @Test func `everything has a fix, and can be printed`() throws {
        _ = try runProgram(["rm", "-r", host.folder.path.appending("var").string])
        try host.folder.write("etc/cron.daily/scan\u{1b}", "clamscan -r /\u{1b}[2J\n")
        let found = try examine("", network: .withoutVPN, units: nil) {
            $0.clock = nil
            $0.engine = nil
            $0.landlock = nil
            $0.flowtables = ["x/y"]
        }
        #expect(found.count > 8)
        for finding in found {
            #expect(!finding.fix.isEmpty && !finding.seen.isEmpty)
            #expect(!finding.seen.utf8.contains(0x1b) && !finding.fix.utf8.contains(0x1b), "\(finding)")
        }
    }

    // MARK: Configuration, agent

    @Test func `a warning of the configuration is told with its place`() throws {
        let found = try examine(
            Self.good
                + "scan: { signatures: /var/lib/clamav }\njournal: { enabled: true }\n".replacing(
                    "enabled: true", with: "enabled: true")
                + "metrics: { textfile: /var/lib/prometheus/node-exporter/nodeguard.prom }\n")
        #expect(found == [])
        let doubtful = try examine(Self.good.replacing("[nordlynx]", with: "[nordlynx, eth0]"))
        #expect(Self.titles(doubtful) == ["warning config.warning"])
        #expect(doubtful.first?.seen.contains("nodeguard.yaml:2") == true)
    }

    @Test(arguments: [
        (
            SystemdState.Unit(load: "loaded", active: "failed", file: "enabled", result: "watchdog"), "agent.failed",
            "watchdog"
        ),
        (
            SystemdState.Unit(load: "loaded", active: "inactive", file: "enabled"), "agent.not-running",
            "systemctl start"
        ),
        (
            SystemdState.Unit(load: "loaded", active: "active", file: "disabled"), "agent.not-enabled",
            "systemctl enable"
        ),
        (SystemdState.Unit(load: "not-found", active: "inactive", file: ""), "agent.not-installed", "apt install"),
    ])
    func `the agent's unit`(_ unit: SystemdState.Unit, _ id: String, _ word: String) throws {
        var units = Self.units
        units["nodeguard.service"] = unit
        let found = try examine(units: units)
        #expect(Self.titles(found) == ["error \(id)"])
        #expect((found.first.map { $0.seen + $0.fix } ?? "").contains(word))
    }

    @Test func `the unit that shuts the ports early`() throws {
        var units = Self.units
        units["nodeguard-early.service"]?.file = "disabled"
        #expect(Self.titles(try examine(units: units)) == ["error early.not-enabled"])
    }

    @Test func `an agent in a container beside that of the package`() throws {
        let lock = try host.folder.write("var/lib/nodeguard/lock", "")
        let status = try #require(HostFiles().status(lock.string))
        func hex(_ number: UInt64) -> String { (number < 16 ? "0" : "") + String(number, radix: 16) }
        try host.process(
            4711, "/usr/bin/nodeguard", ["run"], uid: 0,
            group: "/kubepods.slice/kubepods-podx.slice/cri-containerd-aa.scope")
        try host.folder.write(
            "proc/locks",
            "1: FLOCK  ADVISORY  WRITE 4711 \(hex(status.device >> 32)):\(hex(status.device & 0xffff_ffff)):\(status.inode) 0 EOF\n"
        )
        let found = try examine()
        #expect(Self.titles(found) == ["error agent.two"])
        #expect(found.first?.seen.contains("process 4711") == true)
    }

    // MARK: Posture, VPN, gate

    @Test func `a check that fails is told in its own words`() throws {
        let posture = Posture.bad(.vpnRouteIPv4, .fail(remedy: "connect the VPN"), "0.0.0.0/0 leaves by eth0")
        let found = try examine(posture: posture)
        #expect(
            found == [Diagnosis("check.vpn.route.ipv4", .error, "0.0.0.0/0 leaves by eth0", fix: "connect the VPN")])
        let unsure = try examine(posture: .bad(.selinuxEnforcing, .unknown(remedy: "x"), "y"))
        #expect(Self.titles(unsure) == ["unknown check.selinux.enforcing"])
    }

    @Test func `SELinux that is installed and off is told even where it is not required`() throws {
        try host.folder.write("etc/selinux/config", "SELINUX=enforcing\n")
        try host.folder.write("proc/filesystems", "nodev\tproc\n")
        let found = try examine(Self.good.replacing("policy: {", with: "policy: { selinux: { require: ignore },"))
        #expect(Self.titles(found) == ["warning selinux.disabled"])
    }

    @Test func `a VPN that is up and not configured`() throws {
        let found = try examine(Self.good.replacing("nordlynx", with: "wg0"))
        #expect(Self.titles(found) == ["warning vpn.not-configured"])
        #expect(found.first?.seen.hasPrefix("nordlynx (wireguard) is up, carries the way") == true)
    }

    @Test func `what keeps the gate from working`() throws {
        #expect(Self.titles(try examine { $0.firewallProblem = "no nftables" }) == ["error gate.no-nftables"])
        #expect(Self.titles(try examine { $0.flowtables = ["kube/ft"] }) == ["warning gate.flowtable"])
        let observing = Self.good.replacing("enforce", with: "observe")
        #expect(Self.titles(try examine(observing)) == ["warning gate.observe"])
        let none = "policy: { vpn: { interfaces: [nordlynx] } }\n"
        #expect(Self.titles(try examine(none)) == ["error gate.unguarded"])
        let other = Self.good.replacing("tcp/30303, udp/30303", with: "udp/30303, tcp/30404")
        #expect(Self.titles(try examine(other)) == ["error gate.port-unguarded", "warning gate.port-unused"])
        try host.folder.write("proc/modules", "nf_tables 1 0 - Live 0x0\n")
        try host.folder.write("proc/sys/kernel/osrelease", "6.1.0\n")
        try host.folder.write("lib/modules/6.1.0/modules.dep", "kernel/net/netfilter/nf_tables.ko:\n")
        #expect(Self.titles(try examine()) == ["error gate.no-fib"])
    }

    @Test func `a validator's user that others have`() throws {
        try host.process(800, "/usr/bin/nginx", uid: 1001)
        let found = try examine()
        #expect(Self.titles(found) == ["warning gate.shared-user"])
        #expect(found.first?.seen.contains("nginx (process 800)") == true)
    }

    @Test func `an API that others can reach`() throws {
        try host.process(701, "/usr/bin/lighthouse", uid: 0, sockets: ["tcp/0.0.0.0:5052", "tcp/127.0.0.1:5054"])
        let found = try examine()
        #expect(Self.titles(found) == ["error ports.exposed"])
        #expect(found.first?.seen.contains("lighthouse (process 701) listens on tcp/5052 at 0.0.0.0") == true)
    }

    @Test func `an RPC port of whomever`() throws {
        try host.process(
            703, "/usr/bin/docker-proxy", uid: 0, sockets: ["tcp/192.168.1.10:8545", "tcp/127.0.0.1:8546"])
        let found = try examine()
        #expect(Self.titles(found) == ["error ports.exposed"])
        #expect(found.first?.seen.contains("tcp/8545 at 192.168.1.10") == true)
    }

    // MARK: Signatures, engine, scans

    @Test func `signatures`() throws {
        try database("daily.cld", age: 4 * 86400)
        #expect(Self.titles(try examine()) == ["error signatures.old"])
        try database("daily.cld", age: 60)
        try host.folder.write("var/lib/clamav/local.ign2", "X\n", permissions: FilePermissions(rawValue: 0o666))
        #expect(Self.titles(try examine()) == ["error signatures.writable", "warning signatures.exception"])
        _ = try runProgram(["rm", host.folder.path.appending("var/lib/clamav/local.ign2").string])
        _ = try runProgram(["chmod", "0640", host.folder.path.appending("var/lib/clamav/daily.cld").string])
        #expect(Self.titles(try examine()) == ["error signatures.unreadable"])
        _ = try runProgram(["rm", "-r", host.folder.path.appending("var/lib/clamav").string])
        #expect(Self.titles(try examine()) == ["error signatures.none"])
        try host.folder.write("var/lib/clamav/freshclam.dat", "")
        let explained = Diagnosis("freshclam.cool-down", .warning, "blocked", fix: "wait")
        #expect(Self.titles(try examine { _ in }) == ["error signatures.none"])
        #expect(try examine(freshclam: [explained]).contains(explained))
    }

    @Test func `the engine`() throws {
        #expect(Self.titles(try examine { $0.engine = nil }) == ["error engine.missing"])
        _ = try runProgram(["rm", "-r", host.folder.path.appending("usr").string])
        #expect(Self.titles(try examine()) == ["warning engine.unrar"])
    }

    @Test func `scans that should have been`() throws {
        try metrics { $0.targets[MetricLabel("system")!]?.nextScan = UnixTime(seconds: Self.now - 7300) }
        let overdue = try examine()
        #expect(Self.titles(overdue) == ["error scan.overdue"])
        #expect(overdue.first?.seen.contains("due 2 hours ago") == true)
        try metrics { $0.targets[MetricLabel("system")!] = nil }
        #expect(Self.titles(try examine()) == ["warning scan.never"])
        try metrics { $0.keyFileProblems = 2 }
        #expect(Self.titles(try examine()) == ["error keys.permissions"])
        try metrics { $0.targets[MetricLabel("system")!]?.lastDurationMicroseconds = 3 * 3_600_000_000 }
        #expect(Self.titles(try examine(Self.good + "scan: { window: \"02:00-04:00\" }\n")) == ["warning scan.window"])
    }

    // MARK: What was there before, what reads the metrics

    @Test func `an old scanner, wherever it is started from`() throws {
        try host.folder.write(
            "var/spool/cron/crontabs/root",
            "# clamscan in a comment\n0 0 * * * clamscan --recursive / -i -o > /root/clamscan.log\n")
        let cron = try examine()
        #expect(Self.titles(cron) == ["warning cron.clamscan"])
        #expect(cron.first?.fix.hasPrefix("crontab -u root -e") == true)
        _ = try runProgram(["rm", "-r", host.folder.path.appending("var/spool").string])
        try host.folder.write("etc/systemd/system/av.service", "[Service]\nExecStart=/usr/bin/clamdscan /\n")
        #expect(try examine() == [])
        try host.folder.write("etc/systemd/system/av.timer", "")
        #expect(Self.titles(try examine()) == ["warning timer.clamscan"])
        try host.process(60, "/usr/sbin/clamonacc", uid: 0)
        #expect(Self.titles(try examine()) == ["warning timer.clamscan", "warning clamd.on-access"])
    }

    @Test func `metrics that nobody reads`() throws {
        try host.folder.write("var/lib/prometheus/node-exporter/old.prom", "nodeguard_up 1\n")
        #expect(Self.titles(try examine()) == ["error metrics.second-writer"])
        let other = Self.good + "metrics: { textfile: /srv/x/nodeguard.prom }\n"
        #expect(Self.titles(try examine(other)) == ["error metrics.no-folder", "error metrics.other-folder"])
    }

    @Test func `a node exporter in a pod without the option`() throws {
        _ = try runProgram(["rm", "-r", host.folder.path.appending("proc/50").string])
        _ = try runProgram(["rm", host.folder.path.appending("var/lib/prometheus/node-exporter/old.prom").string])
        #expect(Self.titles(try examine()) == ["warning metrics.no-exporter"])
        try host.process(51, "/bin/node_exporter", ["--path.rootfs=/host/root"], uid: 2, group: "/kubepods.slice/x")
        let found = try examine()
        #expect(Self.titles(found) == ["error metrics.no-flag"])
        #expect(
            found.first?.fix.contains("--collector.textfile.directory=/host/root/var/lib/prometheus/node-exporter")
                == true)
    }

    // MARK: The machine

    @Test func `the machine itself`() throws {
        #expect(Self.titles(try examine { $0.journalProblem = "nobody" }) == ["error journal.unreachable"])
        #expect(try examine(Self.good + "journal: { enabled: false }\n") { $0.journalProblem = "nobody" } == [])
        #expect(Self.titles(try examine { $0.clock?.isSynchronised = false }) == ["warning clock.unsynchronised"])
        #expect(Self.titles(try examine { $0.built = Self.now + 1 }) == ["error clock.past"])
        #expect(Self.titles(try examine { $0.isStateWritable = false }) == ["error state.read-only"])
        #expect(Self.titles(try examine { $0.isStateOnNetwork = true }) == ["error state.network"])
        let gib: UInt64 = 1 << 30
        #expect(
            Self.titles(try examine { $0.stateRoom = FileSystemRoom(free: gib, size: 2 * gib, isInMemory: true) }) == [
                "error state.in-memory"
            ])
        #expect(
            Self.titles(try examine { $0.stateRoom = FileSystemRoom(free: gib / 16, size: 2 * gib) }) == [
                "error state.full"
            ])
        #expect(try examine { $0.stateRoom = FileSystemRoom(free: 20 * gib, size: 4000 * gib) } == [])
        #expect(Self.titles(try examine { $0.landlock = nil }) == ["note kernel.landlock"])
        #expect(Self.titles(try examine { $0.hasOpenat2 = false }) == ["error kernel.openat2"])
    }

    @Test func `who is not root hears what could not be known`() throws {
        let found = try examine(isRoot: false) {
            $0.firewallProblem = "not allowed"
            $0.isStateWritable = false
        }
        #expect(Self.titles(found) == ["unknown gate.nftables", "unknown state.unknown"])
    }
}
