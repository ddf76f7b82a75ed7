import ArgumentParser
import Config
import SystemPackage

/// The options that every command has.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("Use another configuration; conf.d is looked for beside it.", valueName: "file"))
    var configurationFile = "/etc/nodeguard/nodeguard.yaml"

    /// The main file of the configuration.
    var configurationPath: FilePath { FilePath(configurationFile) }

    /// Reads the configuration. Problems go to stderr; where it can't be used, the command ends with status 2.
    func loadConfiguration() throws -> LoadedConfiguration {
        do {
            let loaded = try readConfiguration(at: configurationPath)
            for warning in loaded.warnings { printError(warning.description) }
            return loaded
        } catch {
            for problem in error.problems { printError(problem.description) }
            throw ExitCode(2)
        }
    }
}
