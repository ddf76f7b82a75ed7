import Agent
import ArgumentParser

/// `nodeguard scan-session`: the child process that walks and scans. Started by `scan-now` and by the agent only.
struct ScanSessionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "scan-session", shouldDisplay: false)

    func run() throws {
        throw ExitCode(SessionProcess.serve())
    }
}
