import Agent
import ArgumentParser
import Config
import FoundationEssentials
import Journal
import LinuxSystem
import SystemPackage

/// `nodeguard findings list`, or just `nodeguard findings`.
struct FindingsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show the open findings: what, where, when, what was done and what to do next."
    )

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Show the acknowledged, quarantined and gone ones as well.")
    var all = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        let store = try StateFolder.findings(global.loadConfiguration().settings)
        let findings = try store.map { store in try StateFolder.reading { try store.findings(all: true) } } ?? []
        let open = findings.count { $0.state == .open }
        let shown = all ? findings : findings.filter { $0.state == .open }
        if json {
            try printJSON(Document(open: open, findings: shown.map(FindingDocument.init)))
        } else {
            for finding in shown { print(Self.text(finding) + "\n") }
            print(Self.sums(findings, all: all))
        }
        // What was lost with a damaged file may have been open.
        if store?.note != nil { throw ExitCode(2) }
        throw ExitCode(open > 0 ? 1 : 0)
    }

    static func text(_ finding: Finding) -> String {
        let signatures = finding.signatures.map { printable($0.utf8) }.joined(separator: ", ")
        let by = finding.target.map { "target \(printable($0.utf8))" } ?? "a scan by hand"
        var lines = [
            "\(finding.state.name.uppercased())  \(finding.id)  \(signatures)",
            "  where  \(printable(finding.path))",
            "  when   first \(finding.firstSeen), last \(finding.lastSeen) (\(by), scan \(finding.scanID))",
        ]
        switch finding.state {
        case .open:
            lines += [
                "  done   \(printable(finding.done.utf8))",
                "  next   find out where it comes from and remove it, or, if it is meant to be there:",
                "         nodeguard findings ack \(finding.id) --reason \"why\"",
            ]
        case .acknowledged(let accepted):
            lines += [
                "  done   accepted by \(printable(accepted.who.utf8)) at \(accepted.time): "
                    + printable(accepted.reason.utf8),
                "  next   nothing; it is open again when its content or what is found in it changes",
            ]
        case .gone(let since):
            lines += [
                "  done   \(printable(finding.done.utf8)); no more since \(since)", "  next   nothing",
            ]
        case .quarantined(let id):
            lines += [
                "  done   set aside as \(id)",
                "  next   find out where it came from; then nodeguard quarantine delete \(id), or restore \(id)",
            ]
        }
        return lines.joined(separator: "\n")
    }

    private static func sums(_ findings: [Finding], all: Bool) -> String {
        let counts = ["open", "acknowledged", "quarantined", "gone"].map { name in
            "\(findings.count { $0.state.name == name }) \(name)"
        }
        let isCut = !all && findings.contains { $0.state != .open }
        return counts.joined(separator: ", ") + (isCut ? "; nodeguard findings --all shows all of them" : "")
    }

    private struct Document: Encodable {
        let schema = 1
        let open: Int
        let findings: [FindingDocument]
    }
}
