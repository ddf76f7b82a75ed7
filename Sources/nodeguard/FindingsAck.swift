import Agent
import ArgumentParser
import Config
import Journal
import LinuxSystem

/// `nodeguard findings ack ID --reason TEXT`: somebody accepts a finding.
struct FindingsAck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ack",
        abstract: "Accept a finding: this signature in this content, and nothing else.",
        discussion: "It is open again when its content, or what is found in it, changes."
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The finding's identifier, or the beginning of it.")
    var id: String

    @Option(help: "Why it is accepted; whoever reads it later has nothing else.")
    var reason: String

    func validate() throws {
        if reason.allSatisfy(\.isWhitespace) { throw ValidationError("Give a reason that says something.") }
    }

    func run() throws {
        let settings = try global.loadConfiguration().settings
        guard let store = try StateFolder.findings(settings) else {
            printError("nodeguard: there are no findings yet")
            throw ExitCode(2)
        }
        try StateFolder.reading {
            let findings = try store.findings(all: true)
            let id = try ShortID.named(id, among: findings.map(\.id))
            let who = LoginUser.current().description
            try store.acknowledge(id, Finding.Acknowledgement(reason: reason, who: who, time: .now()))
            guard let finding = try store.findings(all: true).first(where: { $0.id == id }) else { return }
            print(FindingsList.text(finding))
            QuarantineCommand.record(settings) { _ in }
        }
    }
}
