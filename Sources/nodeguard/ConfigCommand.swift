import ArgumentParser

/// `nodeguard config`: everything about the configuration.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Validate, show and explain the configuration.",
        subcommands: [
            ConfigCheck.self,
            ConfigShow.self,
            ConfigExplain.self,
        ]
    )
}
