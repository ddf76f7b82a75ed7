import Agent
import ArgumentParser
import Config
import Glibc
import Journal
import LinuxSystem
import Policy
import SystemPackage

/// `nodeguard gate …`: see the gate, and take it into one's own hands.
struct GateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "Show the gate, open it for a while, force it shut, go back to automatic.",
        discussion: "All of them work with and without a running agent.",
        subcommands: [
            GateStatusCommand.self, GateOpenCommand.self, GateCloseCommand.self, GateResumeCommand.self,
            GateRemoveCommand.self,
        ],
        defaultSubcommand: GateStatusCommand.self
    )
}

/// `nodeguard gate status`.
struct GateStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show whether the gate is open, and why.",
        discussion: "Exits 0 when it is open, 1 when it is shut, 2 when that cannot be told.")

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Print one JSON document instead of text.")
    var json = false

    func run() throws {
        let hand = try GateHand(global.loadConfigurationOrLastGood())
        let report = GateReport(hand)
        if json { try printJSON(report) } else { print(report.text) }
        throw ExitCode(report.exitStatus)
    }
}

/// `nodeguard gate open`.
struct GateOpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open the gate for a while, whatever the posture (break glass).",
        discussion: "It ends by itself, after a reboot too. A gate that was forced shut stays shut until resume.")

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("for"), help: "How long, as in 10m; at most 24h.",
        transform: parseDuration)
    var duration: TimeSpan

    @Option(help: "Why, for the journal.")
    var reason: String

    func run() throws {
        let hand = try GateHand(global.loadConfigurationOrLastGood())
        if case .forcedShut(let why) = hand.store.current() {
            printError(
                "the gate was forced shut (\(printable(why.utf8))) and stays so: run nodeguard gate resume first, if that "
                    + "reason no longer holds")
            throw ExitCode(1)
        }
        let wanted = min(duration.duration, OverrideStore.longestOpening)
        try hand.remember { store throws(SystemCallError) in
            try store.breakGlass(for: wanted, reason: reason)
        }
        let until = UnixTime(microseconds: UnixTime.now().microseconds + wanted.components.seconds * 1_000_000)
        hand.journal(.open(until: until), reason)
        try hand.move { gate throws(KernelGateError) in
            try gate.handOver(for: wanted)
        }
        try hand.waitUntil(isOpen: true)
        print("The gate is open until \(until) or until nodeguard gate resume.")
    }
}

/// `nodeguard gate close`.
struct GateCloseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Force the gate shut until resume, through reboots and upgrades.",
        discussion: """
            A shut gate keeps peers away. It does not stop a validator client from signing: where keys have moved to \
            another machine, stop the client here as well.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(help: "Why, for the journal.")
    var reason: String?

    @Flag(help: "Only shut the configured ports now, as the early boot unit does. Not remembered.")
    var early = false

    @Option(
        help: ArgumentHelp(
            "With --early: where the last good configuration is, for when the configuration cannot be used.",
            valueName: "folder"))
    var state = "/var/lib/nodeguard"

    func validate() throws {
        if !early && reason == nil { throw ValidationError("Say why: --reason TEXT.") }
    }

    func run() throws {
        if early { return try EarlyClosing(global, state: state).run() }
        let hand = try GateHand(global.loadConfigurationOrLastGood())
        if hand.plan.rules.mode == .disabled {
            printError(
                "policy.gate.mode is disabled, so there is no gate that could be shut: set it to observe or enforce, "
                    + "then close it")
            throw ExitCode(2)
        }
        let reason = reason ?? ""
        try hand.remember { store throws(SystemCallError) in try store.close(reason: reason) }
        hand.journal(.close, reason)
        try hand.move { gate throws(KernelGateError) in try gate.shut() }
        try hand.waitUntil(isOpen: false)
        print("The gate is shut, and stays so until nodeguard gate resume.")
        print("A shut gate does not stop a client from signing: stop it too where its keys are in use elsewhere.")
    }
}

/// `nodeguard gate resume`.
struct GateResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Take back open and close: the posture decides again.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let hand = try GateHand(global.loadConfigurationOrLastGood())
        try hand.remember { store throws(SystemCallError) in try store.resume() }
        hand.journal(.resume, "resumed by hand")
        // Without an agent nobody proves anything, so nothing may stay open.
        let isAlone = try hand.move { gate throws(KernelGateError) in try gate.shut() }
        print(
            isAlone
                ? "The gate is automatic again. No agent runs, so it stays shut until one does."
                : "The gate is automatic again.")
    }
}

/// What the commands do to the gate and to what is remembered of it.
struct GateHand {
    let plan: GatePlan
    let store: OverrideStore
    private let settings: Configuration
    /// What the kernel should do now: with the pods that there are, under what is remembered.
    var inForce: GatePlan {
        plan.inForce(
            pods: ContainerRuntime(host: settings.paths.host.path)
                .places(of: Set(plan.posture.workloads.compactMap(\.pod))), store.current())
    }

    init(_ loaded: LoadedConfiguration) {
        settings = loaded.settings
        plan = GatePlan(loaded)
        store = OverrideStore(
            state: FilePath(settings.paths.state.text), runtime: FilePath(settings.paths.runtime.text))
    }

    /// Changes what is remembered.
    func remember(_ change: (OverrideStore) throws(SystemCallError) -> Void) throws {
        do throws(SystemCallError) {
            for folder in [settings.paths.state, settings.paths.runtime] where !exists(FilePath(folder.text)) {
                try makeFolder(FilePath(folder.text), permissions: [.ownerReadWriteExecute])
            }
            try change(store)
        } catch {
            printError("\(error); run it as root")
            throw ExitCode(2)
        }
    }

    /// Changes the kernel's gate, unless a running agent owns it: that one follows what is remembered by itself.
    ///
    /// - Returns: whether there was no agent.
    @discardableResult
    func move(_ change: (KernelGate) throws(KernelGateError) -> Void) throws -> Bool {
        guard plan.rules.mode != .disabled else { return true }
        do throws(KernelGateError) {
            return try Self.move(inForce, change)
        } catch {
            printError("\(error)")
            throw ExitCode(2)
        }
    }

    static func move(
        _ plan: GatePlan, _ change: (KernelGate) throws(KernelGateError) -> Void
    ) throws(KernelGateError) -> Bool {
        do throws(KernelGateError) {
            let gate = try KernelGate()
            var rules = plan.rules
            rules.tunnels = tunnelsUp(plan.posture)
            try gate.install(rules)
            if let limitation = gate.limitation { printError("note: \(limitation)") }
            try change(gate)
            return true
        } catch {
            if error == .ownedByAnother { return false }
            throw error
        }
    }

    /// Waits until the kernel is as it was asked to be. The agent sees what is remembered change.
    func waitUntil(isOpen: Bool) throws {
        guard inForce.rules.mode == .enforce else { return }
        let deadline = ContinuousClock.now.advanced(by: .seconds(10))
        while true {
            let reading = try? KernelGate().read()
            switch reading {
            case .open where isOpen: return
            case .shut where !isOpen: return
            default: break
            }
            guard .now < deadline else {
                printError(
                    "the gate did not become \(isOpen ? "open" : "shut") within 10 s: see nodeguard gate status and "
                        + "journalctl -t nodeguard")
                throw ExitCode(2)
            }
            poll(nil, 0, 50)
        }
    }

    /// Tells the journal who did what. A machine without a journal is told of on stderr.
    func journal(_ action: GateOverride.Action, _ reason: String) {
        guard settings.journal.enabled else { return }
        do throws(JournaldError) {
            try JournaldSink().send(GateOverride(action: action, reason: reason, uid: getuid()).event)
        } catch {
            printError("note: not in the journal: \(error)")
        }
    }
}

/// `gate status` as text and as JSON.
struct GateReport: Encodable {
    let schema = 1
    /// `open`, `closed` or `unknown`.
    let gate: String
    let mode: String
    /// Why it is as it is, as far as it can be told without the agent.
    let reason: String
    /// Milliseconds until the kernel shuts an open gate by itself.
    let leaseMilliseconds: Int64?
    /// `forced_shut`, `open_by_hand` or null.
    let override: String?
    /// By reason: packets that were dropped, or in `observe` would have been; null where there are no rules.
    let droppedPackets: [String: UInt64]?

    init(_ hand: GateHand) {
        mode = hand.plan.rules.mode.rawValue
        let will = hand.store.current()
        switch will {
        case .automatic, .unknown: override = nil
        case .forcedShut: override = "forced_shut"
        case .breakGlass: override = "open_by_hand"
        }
        let reading: KernelGateReading
        do throws(KernelGateError) {
            let kernel = try KernelGate()
            reading = try kernel.read()
            let counted = reading == .absent ? nil : try kernel.counters().packets
            droppedPackets = counted.map { counted in
                DropReason.allCases.reduce(into: [:]) { $0[$1.rawValue] = counted[$1] ?? 0 }
            }
        } catch {
            droppedPackets = nil
            gate = "unknown"
            reason = "\(error)"
            leaseMilliseconds = nil
            return
        }
        var lease: Int64?
        switch (reading, will) {
        case (.open(let left), .breakGlass(_, let why)):
            gate = "open"
            reason = "opened by hand: \(printable(why.utf8))"
            lease = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
        case (.open(let left), _):
            gate = "open"
            reason = "the posture holds"
            lease = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
        case (.shut, .forcedShut(let why)):
            gate = "closed"
            reason = "forced shut by hand: \(printable(why.utf8)); nodeguard gate resume takes it back"
        case (.shut, _):
            gate = "closed"
            reason = "no lease: no agent runs, or a check does not pass (see nodeguard check)"
        case (.observing, _):
            gate = "open"
            reason = "it only observes (policy.gate.mode)"
        case (.absent, _):
            let isMissing = hand.plan.rules.mode == .enforce
            gate = isMissing ? "unknown" : "open"
            reason =
                isMissing
                ? "the kernel has no rules of the gate, so nothing guards the ports: start nodeguard (systemctl start "
                    + "nodeguard)"
                : "there is no gate (policy.gate.mode is \(hand.plan.rules.mode.rawValue))"
        }
        leaseMilliseconds = lease
    }

    var exitStatus: Int32 {
        switch gate {
        case "open": 0
        case "closed": 1
        default: 2
        }
    }

    var text: String {
        "\(gate.uppercased()): \(reason)" + (leaseMilliseconds.map { " (lease \($0) ms)" } ?? "")
    }
}
