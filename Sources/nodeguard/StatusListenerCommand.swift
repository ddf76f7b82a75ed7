import Agent
import ArgumentParser

/// `nodeguard status-listener`: the child process that answers `GET /gate`. Started by the agent only.
struct StatusListenerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status-listener", shouldDisplay: false)

    func run() {
        StatusListenerProcess.serve()
    }
}
