internal import Config
internal import LinuxSystem
internal import SystemPackage

/// Why a configuration was not taken up.
struct ConfigurationRefusal: Error, Equatable {
    /// What is wrong, each with file, place and fix; at least one.
    let problems: [String]
}

/// The configuration that the agent runs under, and what is wrong with its files as they are now.
struct AgentConfiguration {
    /// What is in force.
    private(set) var loaded: LoadedConfiguration
    /// What is wrong with the files as they are now; nil where they are in force.
    private(set) var refusal: ConfigurationRefusal?
    /// Whether what is in force was kept from an earlier start.
    private(set) var isLastGood: Bool
    private let main: FilePath
    /// Whether the main file may be missing: nothing is configured then, and that is no mistake.
    private let mayBeMissing: Bool

    /// Reads the configuration at the agent's start.
    ///
    /// Where it is wrong, the last good one takes its place: a machine that restarts at night with a half-edited file must
    /// not stand without its gate.
    ///
    /// - Throws: where there is no other.
    init(main: FilePath, mayBeMissing: Bool) throws(ConfigurationRefusal) {
        self.main = main
        self.mayBeMissing = mayBeMissing
        do {
            loaded = try Self.read(main, mayBeMissing)
            refusal = nil
            isLastGood = false
        } catch {
            guard let state = Self.state(of: main, isDefault: mayBeMissing),
                let last = try? LastGoodConfiguration(state: state).load()
            else { throw error }
            loaded = last
            refusal = error
            isLastGood = true
        }
    }

    /// Where the last good one of a wrong configuration is; nil where that is not known.
    ///
    /// Only the configuration says where its state is. The default's state is another configuration's, unless the file is
    /// the default one: somebody who tries a file of their own must not get the gate of the machine.
    private static func state(of main: FilePath, isDefault: Bool) -> FilePath? {
        let named = pathsOfRejectedConfiguration(at: main)
        if let named, named.namesState { return named.paths.state.path }
        return isDefault ? Configuration().paths.state.path : nil
    }

    /// Reads it again.
    ///
    /// - Throws: what is wrong with it; the one in force stays.
    mutating func reload() throws(ConfigurationRefusal) {
        do {
            loaded = try readAgain()
            refusal = nil
            isLastGood = false
        } catch {
            refusal = error
            throw error
        }
    }

    /// Whether the files say something else than what was last read of them.
    func hasChanged() -> Bool {
        do {
            return try readAgain() != loaded || refusal != nil
        } catch {
            return error != refusal
        }
    }

    /// Keeps what is in force as the last good one.
    func keep() throws(SystemCallError) {
        guard !isLastGood else { return }
        try LastGoodConfiguration(state: loaded.settings.paths.state.path).save(loaded)
    }

    private func readAgain() throws(ConfigurationRefusal) -> LoadedConfiguration {
        let read = try Self.read(main, mayBeMissing)
        // The agent holds files in there open, and others look for its socket there.
        guard read.settings.paths == loaded.settings.paths else {
            throw ConfigurationRefusal(
                problems: [
                    "\(printable(main)): the folders under paths cannot change while the agent runs; run systemctl restart "
                        + "nodeguard"
                ])
        }
        return read
    }

    private static func read(
        _ main: FilePath, _ mayBeMissing: Bool
    ) throws(ConfigurationRefusal) -> LoadedConfiguration {
        let profiles: Profiles
        do throws(SystemCallError) {
            profiles = readProfiles(in: try Executables.profileFolders(configuration: main))
        } catch {
            throw ConfigurationRefusal(problems: ["the profiles of the validator clients are not found: \(error)"])
        }
        do throws(RejectedConfiguration) {
            if mayBeMissing && !exists(main) {
                return try loadConfiguration(main: ConfigurationFile(path: main, bytes: []), profiles: profiles)
            }
            return try readConfiguration(at: main, profiles: profiles)
        } catch {
            throw ConfigurationRefusal(
                problems: error.problems.filter { $0.severity == .error }.map(\.description))
        }
    }
}
