extension Configuration {
    /// What is scanned, when, and how gently: the mapping `scan`.
    public struct Scan: Section {
        /// The folder where freshclam keeps its databases.
        public var signatures: AbsolutePath = "/var/lib/clamav"
        /// When the targets without a schedule of their own are scanned.
        public var schedule: CronSchedule = "0 3 * * *"
        /// Outside of it a scan pauses; nil: it never does.
        public var window: TimeWindow?
        /// How long a look at a file counts.
        public var reverify: TimeSpan = "30d"
        /// How many files are scanned at once.
        public var workers: WorkerCount = .auto
        /// How a scan makes room for others.
        public var throttle = Throttle()
        /// What happens to an infected file, where the target says nothing else. See ``action(of:)``.
        public var action: Action = .report
        /// What is scanned.
        public var targets: [Target] = [
            Target(name: "system", paths: ["/"]),
            Target(
                name: "validators", kind: .validators, paths: ["/var/lib/rancher/rke2/storage"],
                schedule: "30 3 * * *"),
        ]

        /// The defaults.
        public init() {}

        /// When a target is scanned.
        public func schedule(of target: Target) -> CronSchedule { target.schedule ?? schedule }

        /// What happens to an infected file of a target: with validators it is only reported, whatever is configured.
        public func action(of target: Target) -> Action {
            switch target.kind {
            case .system: target.action ?? action
            case .validators: .report
            }
        }

        static let keys: [Key<Self>] = [
            Key(
                "signatures", \.signatures,
                "The folder with ClamAV's databases, where freshclam keeps them. nodeguard only reads it."),
            Key(
                "schedule", \.schedule,
                """
                When targets are scanned, in local time. A run that was missed while the machine was off happens \
                after boot. A target can have a schedule of its own.
                """),
            Key(
                "window", \.window,
                """
                The part of the day in which scans may run, in local time; it may cross midnight. Outside of it a \
                scan pauses, and goes on the next time; one by hand runs at any time. `null`: at any time. Quote it: other readers of YAML take a \
                time for a number.
                """),
            Key(
                "reverify", \.reverify, limits: .between("1m", "3650d"),
                """
                How long a look at an unchanged file counts. Nothing stays trusted longer than this without a new \
                look; what changes, and what new signatures are likely to be about, is looked at sooner.
                """),
            Key(
                "workers", \.workers,
                """
                How many files are scanned at once. `auto` is one for each processor that nodeguard may use. \
                Files above 64 MiB are scanned one at a time; the largest needs up to 420 MB.
                """),
            Key("throttle", \.throttle, "How a scan makes room for the machine's real work."),
            Key(
                "action", \.action,
                """
                What happens to an infected file: `report` tells, and leaves it where it is; `quarantine` sets it \
                aside, from where it can be restored. In targets of the kind `validators` it is always `report`, and \
                key files and chain data are never touched.
                """),
            Key(
                "targets", \.targets,
                """
                What is scanned. The list of the main file replaces the built-in one; a target in `conf.d` is merged \
                with the one of the same name, or added.
                """),
        ]

        static func check(_ scan: Self, _ checks: inout Checks) {
            guard let window = scan.window else { return }
            func warnUnlessInside(_ schedule: CronSchedule, _ key: String) {
                let starts = (0..<1440).contains { minute in
                    window.contains(minuteOfDay: minute)
                        && schedule.hours & (1 << UInt64(minute / 60)) != 0
                        && schedule.minutes & (1 << UInt64(minute % 60)) != 0
                }
                if !starts {
                    checks.warn(
                        key, "it always falls outside of scan.window (\(window)), where a scan only waits", or: "window"
                    )
                }
            }
            warnUnlessInside(scan.schedule, "schedule")
            for target in scan.targets {
                if let own = target.schedule { warnUnlessInside(own, "targets[\(target.name)].schedule") }
            }
        }
    }

    /// How a scan makes room for others: the mapping `scan.throttle`.
    public struct Throttle: Section {
        /// The most bytes that are read in a second; nil: as many as the disk gives.
        public var bytesPerSecond: ByteSize?
        /// A scan backs off while others wait for the disk longer than this share of the time; nil: never.
        public var ioPressure: Percentage? = Percentage(10)
        /// A scan backs off while others wait for a processor longer than this share of the time; nil: never.
        public var cpuPressure: Percentage?

        /// The defaults.
        public init() {}

        static let keys: [Key<Self>] = [
            Key(
                "bytesPerSecond", \.bytesPerSecond, limits: .atLeast("64KiB"),
                """
                The most that a scan reads in a second. `null`: as much as the disk gives, under the limits of \
                pressure.
                """),
            Key(
                "ioPressure", \.ioPressure,
                """
                A scan backs off while the others on this machine wait for the disk for more than this percentage of \
                the time (`some avg10` of the kernel's pressure stall information). `null`: it doesn't look.
                """),
            Key(
                "cpuPressure", \.cpuPressure,
                "The same for processors. `null`: it doesn't look; scans run at the lowest priority all the same."),
        ]
    }

    /// What happens to an infected file.
    public enum Action: String, Choice {
        /// It is told, and left where it is.
        case report
        /// It is set aside, and can be restored.
        case quarantine

        static let kindName = "action"
    }
}
