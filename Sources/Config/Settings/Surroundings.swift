extension Configuration {
    /// The systemd journal: the mapping `journal`.
    public struct JournalSettings: Section {
        /// Whether events are written to it.
        public var enabled = true

        /// The defaults.
        public init() {}

        static let keys: [Key<Self>] = [
            Key("enabled", \.enabled, "Whether events are written to the systemd journal.")
        ]
    }

    /// Where nodeguard keeps what it remembers: the mapping `paths`.
    public struct Paths: Section {
        /// The root of the machine that is looked at, seen from this process.
        public var host: AbsolutePath = "/"
        /// What outlives a boot: the ledger, the quarantine, the history, the last good configuration.
        public var state: AbsolutePath = "/var/lib/nodeguard"
        /// What does not: the control socket, the lock.
        public var runtime: AbsolutePath = "/run/nodeguard"

        /// The defaults.
        public init() {}

        static let keys: [Key<Self>] = [
            Key(
                "host", \.host,
                """
                Where the root of the machine that is looked at is mounted: for containers, such as `/host`. Targets, \
                exclusions, validators' folders, findings and the quarantine's places stay the machine's own paths; \
                signatures, `state`, `runtime` and the metrics' file are paths of the container.
                """),
            Key(
                "state", \.state,
                """
                The folder for what outlives a boot: the ledger, the quarantine, the history, the last good \
                configuration.
                """),
            Key("runtime", \.runtime, "The folder for what does not: the control socket and the lock."),
        ]

        static func check(_ paths: Self, _ checks: inout Checks) {
            if paths.state == paths.runtime {
                checks.fail("runtime", "it is the same folder as paths.state; it must be another", or: "state")
            }
            // unix(7): sun_path has 108 bytes, the last one a NUL.
            let room = 107 - "/control.sock".utf8.count
            if paths.runtime.text.utf8.count > room {
                checks.fail("runtime", "a socket in it could not be named; it must not be longer than \(room) bytes")
            }
        }
    }

    /// The metrics for Prometheus: the mapping `metrics`.
    public struct Metrics: Section {
        /// The file that node-exporter reads; nil: none is written.
        public var textfile: AbsolutePath? = "/var/lib/prometheus/node-exporter/nodeguard.prom"

        /// The defaults.
        public init() {}

        static let keys: [Key<Self>] = [
            Key(
                "textfile", \.textfile,
                """
                The file for node-exporter's textfile collector. Its folder is the one that node-exporter is given \
                with `--collector.textfile.directory`. `null`: no metrics are written.
                """)
        ]

        static func check(_ metrics: Self, _ checks: inout Checks) {
            if let textfile = metrics.textfile, !textfile.text.hasSuffix(".prom") {
                checks.fail("textfile", "node-exporter only reads files whose names end in .prom; rename it")
            }
        }
    }
}
