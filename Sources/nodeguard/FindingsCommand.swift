import ArgumentParser

/// `nodeguard findings`: what was found, and what became of it.
struct FindingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "findings",
        abstract: "Show what scans have found, and accept a finding.",
        discussion: """
            Without a subcommand the open findings are shown. Exits 0 when none is open, 1 when one is, 2 when that is not \
            known.
            """,
        subcommands: [FindingsList.self, FindingsAck.self],
        defaultSubcommand: FindingsList.self
    )
}
