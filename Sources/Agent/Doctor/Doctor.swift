public import Config
public import SystemPackage

/// Looks for everything that keeps nodeguard from doing its job on this host.
///
/// Each group of diagnoses is a file of its own with one function from what was seen to what follows from it. To add a
/// group, write it and add it to ``groups``.
public struct Doctor: Sendable {
    /// What is looked at.
    public struct Patient: Sendable {
        /// The host.
        public var survey: HostSurvey
        /// The main file of the configuration, and what came of loading it.
        public var main: FilePath
        /// The configuration in force, or the built-in one where it cannot be loaded.
        public var loaded: LoadedConfiguration
        /// What is wrong with it.
        public var problems: [Problem]
        /// Whether this process may look at everything.
        public var isRoot: Bool
        /// What only system calls tell, about the machine itself.
        public var machine: MachineState
        /// systemd's answers.
        public var systemd: SystemdState
        /// What is said of freshclam, by whoever knows its logs and its state.
        public var freshclam: @Sendable (Patient) -> [Diagnosis]

        /// The settings in force.
        public var settings: Configuration { loaded.settings }
        /// The files of the host.
        public var files: HostFiles { survey.files }

        /// A host, and what is known of it.
        public init(
            survey: HostSurvey, main: FilePath, loaded: LoadedConfiguration, problems: [Problem], isRoot: Bool,
            machine: MachineState, systemd: SystemdState,
            freshclam: @escaping @Sendable (Patient) -> [Diagnosis] = { _ in [] }
        ) {
            self.survey = survey
            self.main = main
            self.loaded = loaded
            self.problems = problems
            self.isRoot = isRoot
            self.machine = machine
            self.systemd = systemd
            self.freshclam = freshclam
        }
    }

    /// The groups, in the order in which they are told.
    static let groups: [@Sendable (Patient) -> [Diagnosis]] = [
        diagnoseConfiguration, diagnoseAgent, diagnosePosture, diagnoseSELinux, diagnoseVPN, diagnoseGate,
        diagnosePorts,
        diagnoseSignatures, diagnoseEngine, diagnoseScans, diagnoseOldScanners, diagnoseMetrics, diagnoseJournal,
        diagnoseState, diagnoseClock, diagnoseKernel,
    ]

    /// Everything that was found, the worst first.
    public static func examine(_ patient: Patient) -> [Diagnosis] {
        let found = groups.flatMap { $0(patient) }
        return Diagnosis.Severity.allCases.flatMap { severity in found.filter { $0.severity == severity } }
    }
}
