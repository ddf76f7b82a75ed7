import ArgumentParser

/// The command line: one file a subcommand, parsing and printing only.
@main
struct Nodeguard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodeguard",
        abstract: "Scans, verifies and gates an Ethereum validator's machine.",
        version: "0.1.0",
        subcommands: [
            CheckCommand.self,
            ConfigCommand.self,
        ]
    )
}
