import Agent
import ArgumentParser
import Config
import LinuxSystem
import SystemPackage

/// The options that every command has.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "Use another configuration than /etc/nodeguard/nodeguard.yaml; conf.d is looked for beside it.",
            valueName: "file"))
    var configurationFile: String?

    /// The main file of the configuration.
    var configurationPath: FilePath { FilePath(configurationFile ?? "/etc/nodeguard/nodeguard.yaml") }

    /// The same from the root on, as an agent names it to others: they may be in another folder.
    func absoluteConfigurationPath() throws -> FilePath {
        try PathArgument(argument: configurationPath.string)?.absolute() ?? configurationPath
    }

    /// The profiles that a configuration may name; nil where it cannot be found out where they are.
    static func profiles(for main: FilePath) -> Profiles? {
        do {
            return readProfiles(in: try Executables.profileFolders(configuration: main))
        } catch {
            printError("nodeguard: the profiles are not read: \(error)")
            return nil
        }
    }

    /// Reads the configuration. Problems go to stderr; where it can't be used, the command ends with status 2.
    func loadConfiguration() throws -> LoadedConfiguration {
        do throws(RejectedConfiguration) {
            if configurationFile == nil && !exists(configurationPath) {
                // Nothing is installed: a scan from a build folder is still a scan.
                printError("note: there is no \(configurationPath); the built-in configuration is used")
                return try Config.loadConfiguration(
                    main: ConfigurationFile(path: configurationPath, bytes: []),
                    profiles: Self.profiles(for: configurationPath))
            }
            let loaded = try readConfiguration(at: configurationPath, profiles: Self.profiles(for: configurationPath))
            for warning in loaded.warnings { printError(warning.description) }
            return loaded
        } catch {
            for problem in error.problems { printError(problem.description) }
            throw ExitCode(2)
        }
    }

    /// The settings for a command that has to work with a wrong configuration too, at least as far as it finds the agent.
    /// What is wrong goes to stderr; where it is not known which agent it is, the command ends with status 2.
    ///
    /// The last good configuration is looked for where the wrong one has its state. Where there is none, everything but
    /// the folders is as built in.
    func settingsOrLastGood() throws -> Configuration {
        if let loaded = try? loadConfiguration() { return loaded.settings }
        let named = pathsOfRejectedConfiguration(at: configurationPath)
        if let state = stateOfRejected(named), let last = try? LastGoodConfiguration(state: state).load() {
            return last.settings
        }
        guard configurationFile == nil || named?.knowsRuntime == true else {
            printError("nodeguard: which agent that is cannot be told: paths in the configuration cannot be read")
            throw ExitCode(2)
        }
        var settings = Configuration()
        settings.paths = named?.paths ?? settings.paths
        return settings
    }

    /// Where a wrong configuration has its last good one, as the agent finds it.
    private func stateOfRejected(_ named: NamedPaths?) -> FilePath? {
        if let named, named.namesState { return named.paths.state.path }
        return configurationFile == nil ? Configuration().paths.state.path : nil
    }

    /// The configuration, or where it is wrong the last good one that was kept of it: for commands about the gate, which the
    /// agent keeps by that one. Where there is none, the command ends with status 2.
    func loadConfigurationOrLastGood() throws -> LoadedConfiguration {
        do {
            return try loadConfiguration()
        } catch {
            guard let state = stateOfRejected(pathsOfRejectedConfiguration(at: configurationPath)),
                let last = try? LastGoodConfiguration(state: state).load()
            else { throw error }
            printError("note: the configuration cannot be used, so the last good one in \(printable(state)) is")
            return last
        }
    }
}
