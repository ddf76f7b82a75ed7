import Agent
import ArgumentParser
import Config
import LinuxSystem

/// `nodeguard run`: the agent.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the agent in the foreground, until SIGTERM.",
        discussion: """
            The agent scans by the schedule, verifies the posture, guards the validators' ports and tells. systemd starts \
            it (nodeguard.service), or a DaemonSet. SIGHUP has it read the configuration again; a wrong one is refused, \
            and the one of before stays.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Take up a changed configuration without being asked to, as for one from a ConfigMap.")
    var watchConfiguration = false

    @Option(
        help: "No scheduled scan begins so soon after the start: after boot the machine's real work comes first.",
        transform: parseDuration)
    var scanPatience: TimeSpan = "5m"

    func run() throws {
        let agent = try Agent(
            configuration: global.absoluteConfigurationPath(), mayBeMissing: global.configurationFile == nil,
            watchesConfiguration: watchConfiguration, scanPatience: scanPatience.duration, version: Nodeguard.version)
        try agent.run()
    }
}
