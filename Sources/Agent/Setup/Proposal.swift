public import Config
internal import LinuxSystem
internal import Policy
public import SystemPackage

/// A configuration for this host, with what speaks for each line of it.
public struct Proposal: Sendable {
    /// The YAML, for conf.d/50-setup.yaml.
    public let yaml: String
    /// What whoever runs it should know: a sentence each, for stderr.
    public let notes: [String]
    /// The configuration that comes of it, with the main file and the rest of conf.d.
    public let loaded: LoadedConfiguration?
    /// Why it could not be used together with the rest.
    public let problems: [Problem]
    /// The mode it proposes for the gate.
    public let mode: Configuration.Gate.Mode
    /// Why the mode is not `enforce`: a sentence each.
    public let reservations: [String]

    /// The name of the file in conf.d.
    public static let fileName = "50-setup.yaml"

    /// Makes one.
    ///
    /// - Parameters:
    ///   - main: the main file that it is laid over. It need not be there: an empty one is taken.
    public init(_ survey: HostSurvey, main: FilePath) {
        // First without the stricter rules, to hear what the posture would be: enforced, a bad one shuts the ports.
        let draft = Draft(survey)
        let first = Self.load(draft.yaml(.careful), main, survey.profiles)
        var reservations = draft.reservations
        if let loaded = first.loaded, !survey.clients.isEmpty {
            let posture = survey.posture(
                PosturePolicy(loaded).placing { draft.addresses[$0] ?? [] })
            for result in posture.results where Self.required.contains(result.check) && result.verdict.kind != .pass {
                reservations.append("\(result.check.rawValue): \(result.evidence)")
            }
        }
        let gate: Draft.Gate = reservations.isEmpty ? .proven : .careful
        let yaml = draft.yaml(gate, reservations)
        let last = Self.load(yaml, main, survey.profiles)
        self.yaml = yaml
        self.reservations = reservations
        notes = draft.notes
        loaded = last.loaded
        problems = last.problems
        mode = gate == .proven ? .enforce : .observe
    }

    /// The checks that the gate requires: without them it would be shut.
    private static let required: Set<CheckName> = [.selinuxEnforcing, .vpnInterface, .vpnRouteIPv4, .vpnRouteIPv6]

    private static func load(
        _ yaml: String, _ main: FilePath, _ profiles: Profiles
    ) -> (loaded: LoadedConfiguration?, problems: [Problem]) {
        let folder = main.removingLastComponent().appending("conf.d")
        let file = ConfigurationFile(path: folder.appending(fileName), bytes: Array(yaml.utf8))
        do throws(RejectedConfiguration) {
            let loaded =
                exists(main)
                ? try readConfiguration(at: main, profiles: profiles, with: file)
                : try loadConfiguration(
                    main: ConfigurationFile(path: main, bytes: []), fragments: [file], profiles: profiles)
            return (loaded, loaded.warnings)
        } catch {
            return (nil, error.problems)
        }
    }
}
