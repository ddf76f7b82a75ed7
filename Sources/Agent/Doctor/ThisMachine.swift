public import Config
internal import LinuxSystem
public import SystemPackage

extension Doctor.Patient {
    /// This machine. A configuration that cannot be loaded is told, and the built-in one stands in.
    ///
    /// - Parameter isRoot: whether this process may look at everything.
    public static func thisMachine(main: FilePath, profiles: Profiles, isRoot: Bool) throws -> Doctor.Patient {
        let empty = try loadConfiguration(
            main: ConfigurationFile(path: main, bytes: []), profiles: Profiles(profiles.all))
        let loaded: LoadedConfiguration
        let problems: [Problem]
        do throws(RejectedConfiguration) {
            loaded = exists(main) ? try readConfiguration(at: main, profiles: profiles) : empty
            problems = loaded.warnings
        } catch {
            loaded = empty
            problems = error.problems
        }
        return Doctor.Patient(
            survey: .thisMachine(profiles), main: main, loaded: loaded, problems: problems, isRoot: isRoot,
            machine: .current(state: loaded.settings.paths.state.path),
            systemd: .current([agentUnit, earlyUnit]),
            freshclam: { patient in
                let said = Freshclam(signatures: patient.settings.scan.signatures.path).explanation
                return said.map { [Diagnosis("signatures.freshclam", .warning, $0.what, fix: $0.remedy)] } ?? []
            })
    }
}
