import Agent
import ArgumentParser
import Config
import Glibc
import LinuxSystem
import SystemPackage

/// `nodeguard doctor`: everything that keeps nodeguard from doing its job on this host, each with the fix.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Explain what keeps nodeguard from doing its job on this host.",
        discussion: """
            Each finding says how bad it is, what was seen, and what to do about it. Notes cost something and need \
            nothing done. Changes nothing. Run it as root: what only root may know is told as unknown otherwise. \
            Exits 0 when there is nothing but notes, 1 when there is something.
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Print one JSON document instead of text.")
    var json = false

    func run() throws {
        let main = global.configurationPath
        let profiles = GlobalOptions.profiles(for: main) ?? .none
        let findings = Doctor.examine(try .thisMachine(main: main, profiles: profiles, isRoot: geteuid() == 0))
        if json { try printJSON(Report(findings)) } else { print(Self.text(findings)) }
        if findings.contains(where: { $0.severity != .note }) { throw ExitCode(1) }
    }

    static func text(_ findings: [Diagnosis]) -> String {
        let counts = Diagnosis.Severity.allCases.compactMap { severity -> String? in
            let count = findings.count { $0.severity == severity }
            return count == 0 ? nil : "\(count) \(severity.rawValue)\(count == 1 || severity == .unknown ? "" : "s")"
        }
        var lines = [counts.isEmpty ? "nothing found" : counts.joined(separator: ", ")]
        for finding in findings {
            let word = finding.severity.rawValue.uppercased()
            lines += [
                "", "\(word)\(String(repeating: " ", count: 9 - word.count))\(finding.id)", "  seen: \(finding.seen)",
                "  fix:  \(finding.fix)",
            ]
        }
        return lines.joined(separator: "\n")
    }

    private struct Report: Encodable {
        let schema = 1
        let findings: [Diagnosis]

        init(_ findings: [Diagnosis]) { self.findings = findings }
    }
}
