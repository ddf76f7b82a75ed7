import Agent
import ArgumentParser
import Config
import Policy

/// `nodeguard check`: every posture check once, without touching the gate.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check SELinux, the VPN, keys, signatures, scans and findings once, without touching the gate.",
        discussion: """
            Which of the checks the gate requires, policy.gate.require says.

            Exits 0 when every check passes, 1 when one fails, 2 when none fails and one cannot be decided.
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Print one JSON document instead of text.")
    var json = false

    @Flag(help: "Print one line of at most 80 characters, as node-problem-detector's plug-ins do.")
    var brief = false

    func validate() throws {
        if json && brief { throw ValidationError("--json and --brief exclude each other: give one of them.") }
    }

    func run() throws {
        let loaded = try global.loadConfiguration()
        let posture = Posture.evaluate(
            PosturePolicy(loaded).placed(host: loaded.settings.paths.host.path),
            state: StateFacts(reading: loaded.settings))
        if json {
            try printJSON(CheckReport.Document(posture))
        } else {
            print(brief ? CheckReport.brief(posture) : CheckReport.text(posture))
        }
        let status: Int32 =
            switch posture.verdict {
            case .pass: 0
            case .fail: 1
            case .unknown: 2
            }
        throw ExitCode(status)
    }
}

/// How a posture is shown.
enum CheckReport {
    /// The verdict first, then each check with its evidence and what to do next.
    static func text(_ posture: Posture) -> String {
        let counts = Verdict.Kind.allCases.compactMap { kind -> String? in
            let count = posture.results.count { $0.verdict.kind == kind }
            return count == 0 ? nil : "\(count) \(kind.rawValue)"
        }
        var lines = [
            "\(word(posture.verdict)): \(posture.results.count) checks, \(counts.joined(separator: ", "))", "",
        ]
        let width = posture.results.map(\.check.rawValue.count).max() ?? 0
        for result in posture.results {
            let verdict = padded(word(result.verdict.kind), to: 7)
            lines.append("\(verdict)  \(padded(result.check.rawValue, to: width))  \(result.evidence)")
            if let remedy = result.verdict.remedy {
                lines.append(padded("", to: 9 + width + 2) + "next: \(remedy)")
            }
        }
        return lines.joined(separator: "\n")
    }

    /// The verdict and the first reason, in at most 80 characters.
    static func brief(_ posture: Posture) -> String {
        let worst = posture.results.filter { $0.verdict.kind == posture.verdict }
        guard posture.verdict != .pass, let first = worst.first else {
            return "PASS: \(posture.results.count) checks"
        }
        let more = worst.count > 1 ? " (+\(worst.count - 1))" : ""
        let line = "\(word(posture.verdict)): \(first.check.rawValue)\(more): \(first.evidence)"
        return line.unicodeScalars.count <= 80
            ? line : String(String.UnicodeScalarView(line.unicodeScalars.prefix(77))) + "..."
    }

    /// What `--json` prints.
    struct Document: Encodable {
        struct Check: Encodable {
            let check: CheckName
            let verdict: Verdict.Kind
            let evidence: String
            let remedy: String?
        }
        let schema = 1
        let verdict: Verdict.Kind
        let checks: [Check]

        init(_ posture: Posture) {
            verdict = posture.verdict
            checks = posture.results.map {
                Check(check: $0.check, verdict: $0.verdict.kind, evidence: $0.evidence, remedy: $0.verdict.remedy)
            }
        }
    }

    private static func word(_ kind: Verdict.Kind) -> String { kind.rawValue.uppercased() }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
