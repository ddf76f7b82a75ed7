import Glibc
import LinuxSystem
import SystemPackage
import TestSupport

/// A node in a network namespace of the test's own with a real agent: a tunnel that carries the default route, a validator
/// on udp/9000, a small target with signatures of the test's own. Needs root.
final class AgentHouse {
    let node: NetworkNamespace
    let folder: TemporaryFolder
    let notify: NotifySocket
    private(set) var agent: RunningProgram
    private var tunnel: OwnedDescriptor?
    private let options: [String]
    private let environment: [String: String]

    var configuration: FilePath { folder.path.appending("nodeguard.yaml") }
    var state: FilePath { folder.path.appending("state") }
    var sample: FilePath { folder.path.appending("sample") }
    var controlSocket: FilePath { folder.path.appending("run/control.sock") }
    /// In a folder of its own, as node-exporter's is.
    var metricsFile: FilePath { folder.path.appending("metrics/nodeguard.prom") }

    /// What the signature `Test.Bad.UNOFFICIAL` matches.
    static let bad = "nodeguard-tests: these bytes are as bad as it gets"

    /// - Parameters:
    ///   - policy: lines beneath `policy`, in place of an enforcing gate behind tun0.
    ///   - more: further configuration.
    ///   - environment: what the agent's environment has besides.
    ///   - starts: whether the agent is started, and waited for.
    init(
        policy: String? = nil, scan: String = "", more: String = "", options: [String] = [],
        environment: [String: String] = [:], starts: Bool = true
    ) throws {
        node = try NetworkNamespace()
        folder = try TemporaryFolder()
        self.options = options
        self.environment = environment
        notify = try NotifySocket(at: folder.path.appending("notify"))
        tunnel = try node.openTunnel("tun0")
        try node.shell("ip link set tun0 up; ip address add 10.8.0.2/24 dev tun0; ip route add default dev tun0")
        try folder.write(
            "signatures/test.ndb", "Test.Bad:0:*:\(Self.bad.utf8.map { String($0, radix: 16) }.joined())\n")
        try folder.write("sample/good", "Nothing is wrong with these bytes.\n")
        try folder.write("metrics/others.prom", "")
        agent = try RunningProgram(["true"])
        try configure(policy: policy, scan: scan, more: more)
        if starts {
            try start()
            try notify.wait(for: "READY=1")
        }
    }

    /// Writes the configuration.
    func configure(policy: String? = nil, scan: String = "", more: String = "", target: String = "sample") throws {
        let policy =
            policy
                ?? """
                  selinux: { require: ignore }
                  vpn: { interfaces: [tun0], ipv4: required, ipv6: ignore }
                  gate: { mode: enforce, settle: 100ms, lease: 2s }
                """
        try folder.write(
            "nodeguard.yaml",
            """
            scan:
              signatures: "\(folder.path)/signatures"
              workers: 1
              targets: [{ name: \(target), paths: ["\(sample)"] }]
            \(scan)
            validators: [{ name: geth, ports: [udp/9000] }]
            policy:
            \(policy)
            journal: { enabled: false }
            paths: { state: "\(state)", runtime: "\(folder.path)/run" }
            metrics: { textfile: "\(metricsFile)" }
            \(more)

            """)
    }

    /// Starts the agent; `notify` hears when it is up.
    func start() throws {
        notify.forget()
        agent = try RunningProgram(
            command(["run"] + options),
            environment: environment.merging(
                ["NOTIFY_SOCKET": notify.path.string, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC"]
            ) { _, new in new })
    }

    private func command(_ arguments: [String]) throws -> [String] {
        try ["ip", "netns", "exec", node.name, builtProgram("nodeguard")] + arguments
            + ["--config", configuration.string]
    }

    /// Runs a command of nodeguard in the namespace. Arguments behind `--` are paths.
    func nodeguard(_ arguments: String..., paths: [FilePath] = []) throws -> ProgramResult {
        try runProgram(command(arguments) + (paths.isEmpty ? [] : ["--"] + paths.map(\.string)))
    }

    /// Starts one.
    func startNodeguard(_ arguments: String..., paths: [FilePath] = []) throws -> RunningProgram {
        try RunningProgram(command(arguments) + (paths.isEmpty ? [] : ["--"] + paths.map(\.string)))
    }

    /// Waits until `status` says so in its first line.
    @discardableResult
    func waitForStatus(_ beginning: String) throws -> ProgramResult {
        var last: ProgramResult?
        do {
            return try waitFor("status to say \(beginning)") {
                last = try nodeguard("status")
                return last?.output.hasPrefix(beginning) == true ? last : nil
            }
        } catch {
            throw ProgramFailure(description: "\(error); at last it said: \(last?.output ?? "") \(last?.errors ?? "")")
        }
    }

    /// Waits until the gate is open or shut.
    func waitForGate(_ state: String) throws {
        try waitFor("the gate to be \(state)") { try nodeguard("gate", "status").output.hasPrefix(state) ? true : nil }
    }

    /// The tunnel goes down, or comes up again with its route.
    func setTunnel(up isUp: Bool) throws {
        try node.shell(
            isUp ? "ip link set tun0 up; ip route replace default dev tun0" : "ip link set tun0 down")
    }

    /// The value of a metric, with its labels as they stand in the file; nil where it is not told.
    func metric(_ name: String) throws -> Double? {
        let file = try FileDescriptor.open(metricsFile, .readOnly, options: .closeOnExec)
        let text = String(decoding: try file.closeAfter { try readToEnd(file) }, as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    /// Ends the agent in good order.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) throws -> ProgramResult {
        agent.signal(signal)
        return try agent.finish()
    }
}
