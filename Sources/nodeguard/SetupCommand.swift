import Agent
import ArgumentParser
import Config
import LinuxSystem
import SystemPackage

/// `nodeguard setup`: looks at this host and proposes a configuration.
struct SetupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: "Look at this host and propose a configuration.",
        discussion: """
            Prints YAML whose comments say what was seen: VPN interfaces, validator clients with their ports, users and \
            folders, the ranges of the cluster, the metrics folder, SELinux. Nothing is changed without --write. Run it \
            as root, while the validators and the VPN run.
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Write the proposal to conf.d/50-setup.yaml beside the configuration; never over an existing one.")
    var write = false

    @Flag(help: "Print one JSON document instead of YAML.")
    var json = false

    func run() throws {
        let main = global.configurationPath
        let profiles = GlobalOptions.profiles(for: main) ?? .none
        let proposal = Proposal(HostSurvey.thisMachine(profiles), main: main)
        for note in proposal.notes { printError("note: \(note)") }
        for problem in proposal.problems { printError(problem.description) }
        if proposal.loaded == nil {
            printError("nodeguard: together with \(printable(main)) this is not a valid configuration: see above")
        }
        let written = write ? try proposal.write(beside: main) : nil
        if json {
            try printJSON(Report(proposal, written: written))
        } else if written == nil {
            print(proposal.yaml, terminator: "")
        }
        if let written {
            printError("written: \(printable(written)), mode of the gate: \(proposal.mode.rawValue)")
            printError("next: read it, then nodeguard config check, then systemctl reload nodeguard")
        } else {
            printError(
                "note: nothing was changed; nodeguard setup --write writes this to "
                    + printable(main.removingLastComponent().appending("conf.d").appending(Proposal.fileName)))
        }
        if proposal.loaded == nil { throw ExitCode(2) }
    }

    private struct Report: Encodable {
        let schema = 1
        let yaml: String
        let valid: Bool
        let mode: String
        /// Why the mode is not enforce.
        let reservations: [String]
        let notes: [String]
        let problems: [String]
        let written: String?

        init(_ proposal: Proposal, written: FilePath?) {
            yaml = proposal.yaml
            valid = proposal.loaded != nil
            mode = proposal.mode.rawValue
            reservations = proposal.reservations
            notes = proposal.notes
            problems = proposal.problems.map(\.description)
            self.written = written.map { printable($0) }
        }
    }
}
