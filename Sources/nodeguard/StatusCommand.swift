import Agent
import ArgumentParser
import Config
import Glibc
import Journal
import LinuxSystem
import Policy

/// `nodeguard status`: one screen, whose first lines say whether the validator is safe, and why not.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show on one screen whether the validators are safe, and what needs attention.",
        discussion:
            "Exits 0 when nothing needs attention, 1 when something does, 2 when no agent runs; --alive: 0 or 2.")

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    @Flag(help: "Print nothing, and exit 0 where an agent answers, whatever it would say: for the probes of a pod.")
    var alive = false

    func run() throws {
        let settings = try global.settingsOrLastGood()
        let agent: AgentClient?
        let status: AgentStatus?
        do throws(AgentClient.Failure) {
            agent = try AgentClient.connect(settings)
            status = try agent?.status()
        } catch {
            printError("nodeguard: \(error)")
            throw ExitCode(2)
        }
        guard let status else {
            printError(Self.withoutAgent("no agent answers at \(printable(settings.paths.runtime.path))/control.sock"))
            printError("next:  systemctl start nodeguard, and journalctl -u nodeguard where it does not stay up")
            printError("       nodeguard gate status and nodeguard check tell what can be told without it")
            throw ExitCode(2)
        }
        if alive { return }
        if json { try printJSON(status) } else { print(StatusScreen.text(status)) }
        throw ExitCode(status.attention.isEmpty ? 0 : 1)
    }
}

extension StatusCommand {
    /// The answer where no agent gives it: what the kernel does with the ports.
    private static func withoutAgent(_ what: String) -> String {
        guard geteuid() == 0 else { return "NOT KNOWN: \(what) for this user: run it as root" }
        switch try? KernelGate().read() {
        case .shut: return "SHUT: \(what), and the kernel keeps the validators off the network"
        case .open(let left):
            return "OPEN FOR \(left.components.seconds) s MORE: \(what), and the kernel shuts the gate then"
        case .absent, .observing, nil: return "NOT GUARDED: \(what)"
        }
    }
}

/// The screen of `nodeguard status`.
enum StatusScreen {
    static func text(_ status: AgentStatus) -> String {
        var lines = [verdict(status)]
        lines += status.attention.prefix(1).map { "why    \($0)" }
        if let remedy = status.next { lines.append("next   \(remedy)") }
        lines.append("")
        lines.append("gate         \(gate(status.gate))")
        lines.append("posture      \(posture(status))")
        for check in status.checks where check.verdict != "pass" {
            lines.append(
                "  \(check.verdict.uppercased())  \(check.check)\(check.isRequired ? "" : " (not required)"): \(check.evidence)"
            )
        }
        for target in status.targets { lines += scans(target, status.scan) }
        if let scan = status.scan, scan.target == nil {
            lines.append("scan         paths given by hand: \(progress(scan))")
        }
        lines.append(
            "findings     \(status.openFindings == 0 ? "none open" : "\(status.openFindings) OPEN: nodeguard findings")"
        )
        lines.append("signatures   \(signatures(status.signatures))")
        lines.append("agent        nodeguard \(status.version), up since \(status.since)")
        if status.attention.count > 1 {
            lines.append("")
            lines.append("needs attention:")
            lines += status.attention.map { "  - \($0)" }
        }
        return lines.joined(separator: "\n")
    }

    /// The answer to "is my validator safe?".
    private static func verdict(_ status: AgentStatus) -> String {
        switch (status.gate.state, status.gate.mode) {
        case (_, "disabled"):
            status.gate.override == "forced_shut"
                ? "NOT GUARDED: the gate was forced shut by hand, and is not shut: it is disabled (policy.gate.mode)"
                : "NOT GUARDED: the gate is disabled (policy.gate.mode)"
        // Also where the gate otherwise only observes.
        case ("closed", _) where status.gate.override == "forced_shut":
            "SHUT BY HAND: the validators are kept off the network until nodeguard gate resume"
        case ("open", "enforce") where status.gate.override == "open_by_hand":
            "NOT SAFE: the gate was opened by hand, whatever the posture"
        case ("open", "enforce") where status.attention.isEmpty:
            "SAFE: the gate is open and every required check passes"
        case ("open", "enforce"): "OPEN, WITH A WARNING: the validators are reachable, and something needs attention"
        case ("closed", "enforce"): "SHUT: the validators are kept off the network until the cause is gone"
        case (_, "observe"):
            status.attention.isEmpty
                ? "ONLY OBSERVED: all is well, but the gate would not shut if it were not (policy.gate.mode)"
                : "NOT GUARDED: something is wrong, and the gate only observes (policy.gate.mode)"
        default: "NOT GUARDED: the agent does not hold the gate"
        }
    }

    private static func gate(_ gate: AgentStatus.Gate) -> String {
        let dropped = gate.dropped.values.reduce(0, +)
        let verb = gate.mode == "enforce" ? "dropped" : "would have been dropped"
        return "\(gate.state), mode \(gate.mode): \(gate.reason)" + (dropped > 0 ? "; \(dropped) packets \(verb)" : "")
    }

    private static func posture(_ status: AgentStatus) -> String {
        guard !status.checks.isEmpty else { return "not looked at yet" }
        let passed = status.checks.count { $0.verdict == "pass" }
        return "\(passed) of \(status.checks.count) checks pass"
    }

    private static func scans(_ target: AgentStatus.Target, _ running: AgentStatus.Scan?) -> [String] {
        var line = "scan         \(target.name): "
        if let running, running.target == target.name {
            line += "runs, \(progress(running))"
        } else if let waits = target.waits {
            line += "due, waits: \(waits)"
        } else {
            line += "next \(target.next ?? "not known")"
        }
        if target.isUnfinished { line += ", to go on where it stopped" }
        line += target.lastCompletion.map { "; last done \($0)" } ?? "; never done yet"
        if let counts = target.lastCounts {
            line += ", \(counts.total) files"
            for kind in [Outcome.Kind.infected, .incomplete] where counts[kind] > 0 {
                line += ", \(counts[kind]) \(kind.rawValue)"
            }
        }
        return [line]
    }

    private static func progress(_ scan: AgentStatus.Scan) -> String {
        "\(scan.files) files, \(Quantity.bytes(scan.bytes)) so far"
    }

    private static func signatures(_ signatures: AgentStatus.Signatures) -> String {
        guard let loaded = signatures.loaded else { return "not loaded yet" }
        let newest = signatures.databases.values.max().map { ", the newest of \($0)" } ?? ""
        return "\(loaded) loaded\(newest)"
    }
}
