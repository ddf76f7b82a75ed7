extension Configuration {
    /// A part of the file system that is scanned by its own rules: an item of `scan.targets`.
    public struct Target: NamedSection {
        /// The name, the label of its metrics.
        public var name: Name
        /// What lives there, and so how careful a scan is.
        public var kind: Kind = .system
        /// Where it begins.
        public var paths: [AbsolutePath]
        /// What is left out, besides what is built in.
        public var exclude: [PathPattern] = []
        /// Whether it stays on the file systems of its paths.
        public var oneFilesystem = true
        /// When it is scanned; nil: with `scan.schedule`. See ``Configuration/Scan/schedule(of:)``.
        public var schedule: CronSchedule?
        /// What is configured for infected files. What really happens to them is ``Configuration/Scan/action(of:)``.
        public var action: Action?

        /// A target of the given paths, with the defaults for what is not given.
        public init(
            name: Name, kind: Kind = .system, paths: [AbsolutePath], exclude: [PathPattern] = [],
            oneFilesystem: Bool = true, schedule: CronSchedule? = nil, action: Action? = nil
        ) {
            self.name = name
            self.kind = kind
            self.paths = paths
            self.exclude = exclude
            self.oneFilesystem = oneFilesystem
            self.schedule = schedule
            self.action = action
        }

        init() { self.init(name: "unnamed", paths: []) }

        /// What lives in a target.
        public enum Kind: String, Choice {
            /// The system, and anything that is not a validator's.
            case system
            /// Validators: infected files are only reported, keys are not opened.
            case validators

            static let kindName = "kind of target"
        }

        static let keys: [Key<Self>] = [
            Key(
                "name", \.name, required: true,
                "The name of the target: for `--target`, and the label of its metrics."),
            Key(
                "kind", \.kind,
                """
                `system` for anything that is not a validator's. `validators` for the folders of validators: infected \
                files are only reported, key files are not opened, and bulk chain data is looked at by a rhythm of \
                its own, spread over `scan.reverify`.
                """),
            Key(
                "paths", \.paths, required: true, limits: .notEmpty(),
                "The folders and files where the target begins."),
            Key(
                "exclude", \.exclude,
                """
                What is left out, besides what always is: the signatures, nodeguard's own state, etcd's data, and the \
                merged views and mounts of running pods. A path that begins with `/` stands for itself and everything \
                beneath it (`*` and `?` stand for anything but a slash, `**` for anything); without a slash it is the \
                name of a file or folder anywhere in the target. What is left out is counted as skipped.
                """),
            Key(
                "oneFilesystem", \.oneFilesystem,
                """
                Whether the scan stays on the file systems on which its paths are. Network file systems are never \
                entered.
                """),
            Key("schedule", \.schedule, "When this target is scanned. `null`: with `scan.schedule`."),
            Key(
                "action", \.action,
                """
                What happens to this target's infected files. `null`: what `scan.action` says. For the kind \
                `validators` only `report` is possible.
                """),
        ]

        static func check(_ target: Self, _ checks: inout Checks) {
            if target.kind == .validators && target.action == .quarantine {
                checks.fail(
                    "action",
                    "a target of the kind validators only reports: a validator's file that is taken away by mistake "
                        + "costs a re-sync or its keys; write report, or leave the key out")
            }
        }
    }
}
