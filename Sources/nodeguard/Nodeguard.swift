import ArgumentParser
import Glibc
import LinuxSystem
import SystemPackage

/// The command line: one file a subcommand, parsing and printing only.
@main
struct Nodeguard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodeguard",
        abstract: "Scans, verifies and gates an Ethereum validator's machine.",
        version: version,
        subcommands: [
            StatusCommand.self,
            ScanNowCommand.self,
            CheckCommand.self,
            FindingsCommand.self,
            HistoryCommand.self,
            QuarantineCommand.self,
            GateCommand.self,
            WaitOpenCommand.self,
            RunCommand.self,
            ConfigCommand.self,
            SetupCommand.self,
            DoctorCommand.self,
            CompletionsCommand.self,
            ScanSessionCommand.self,
            StatusListenerCommand.self,
        ]
    )

    /// The version of the program and of its package.
    static let version = "0.1.0"

    static func main() {
        // A reader that went away is an error of write(2), told like any other, not a signal that ends the program.
        _ = signal(SIGPIPE, SIG_IGN)
        fillStandardDescriptors()
        do {
            var command = try parseAsRoot(PathArgument.commandLine())
            try runTellingErrors(&command)
        } catch {
            exit(withError: error)
        }
    }

    /// Runs a command. What it did not foresee ends with status 2, in every command "could not be done": the parser's
    /// own choice, 1, would mean "something was found".
    private static func runTellingErrors(_ command: inout any ParsableCommand) throws {
        do {
            try command.run()
        } catch let error where exitCode(for: error) == .failure && !(error is ExitCode) {
            printError("nodeguard: \(error)")
            throw ExitCode(2)
        } catch {
            // A status, wrong usage, a request for help.
            try flush()
            throw error
        }
        try flush()
    }

    /// What print() wrote is still in a buffer, and whether it can be written shows only now.
    private static func flush() throws {
        guard !flushOutput() else { return }
        printError("nodeguard: cannot write to the standard output: \(Errno.current)")
        throw ExitCode(2)
    }
}
