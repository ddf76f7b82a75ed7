import Agent
import ArgumentParser
import SystemPackage

/// `nodeguard scan-session`: the child process that walks and scans. Started by `scan-now` and by the agent only, directly
/// or by way of a unit of its own (``SessionUnit``).
struct ScanSessionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "scan-session", shouldDisplay: false)

    @Option(help: .hidden)
    var relay: String?

    @Flag(help: .hidden)
    var accepted = false

    func run() throws {
        if let relay { throw ExitCode(SessionUnit.relay(to: FilePath(relay))) }
        throw ExitCode(accepted ? SessionUnit.serve() : SessionProcess.serve())
    }
}
