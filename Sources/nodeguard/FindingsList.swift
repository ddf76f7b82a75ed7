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
            try printJSON(Document(open: open, findings: shown.map(Document.Item.init)))
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
        let findings: [Item]

        struct Item: Encodable {
            let id: String
            let state: String
            let path: String
            let pathBase64: String?
            let signatures: [String]
            let size: UInt64?
            let sha256: String?
            let target: String?
            let scanID: String
            let firstSeen: String
            let lastSeen: String
            let done: String
            let acknowledged: Accepted?
            let goneSince: String?
            let quarantineID: String?

            struct Accepted: Encodable {
                let reason: String
                let who: String
                let time: String
            }

            init(_ finding: Finding) {
                id = finding.id.description
                state = finding.state.name
                (path, pathBase64) = pathInJSON(finding.path)
                signatures = finding.signatures
                size = finding.size
                sha256 = finding.sha256.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
                target = finding.target
                scanID = finding.scanID.description
                firstSeen = finding.firstSeen.description
                lastSeen = finding.lastSeen.description
                done = finding.done
                var accepted: Accepted?
                var since: String?
                var aside: String?
                switch finding.state {
                case .open: break
                case .acknowledged(let by):
                    accepted = Accepted(reason: by.reason, who: by.who, time: by.time.description)
                case .gone(let moment): since = moment.description
                case .quarantined(let id): aside = id.description
                }
                acknowledged = accepted
                goneSince = since
                quarantineID = aside
            }
        }
    }
}
