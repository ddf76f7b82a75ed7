import ArgumentParser
import Glibc

/// The command line: one file a subcommand, parsing and printing only.
@main
struct Nodeguard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodeguard",
        abstract: "Scans, verifies and gates an Ethereum validator's machine.",
        version: version,
        subcommands: [
            ScanNowCommand.self,
            CheckCommand.self,
            FindingsCommand.self,
            HistoryCommand.self,
            GateCommand.self,
            ConfigCommand.self,
            CompletionsCommand.self,
            ScanSessionCommand.self,
        ]
    )

    /// The version of the program and of its package.
    static let version = "0.1.0"

    static func main() {
        // A reader that went away is an error of write(2), told like any other, not a signal that ends the program.
        _ = signal(SIGPIPE, SIG_IGN)
        main(PathArgument.commandLine())
    }
}
