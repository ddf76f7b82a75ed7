extension MetricsSnapshot {
    /// The metrics in Prometheus' text format, version 0.0.4: HELP and TYPE once for each, no timestamps, a newline at
    /// the end.
    public var prometheusText: String {
        metrics.filter { !$0.samples.isEmpty }.map(\.text).joined()
    }

    /// Every metric, declared once.
    private var metrics: [Metric] {
        [
            Metric(
                .gauge, "nodeguard_build_info", "The version of nodeguard that wrote these metrics.",
                [Sample([("version", version)], 1)]),
            Metric(
                .gauge, "nodeguard_up_timestamp_seconds", "When the agent started.", [Sample(up)]),
            Metric(
                .gauge, "nodeguard_heartbeat_timestamp_seconds", "When the agent's loop last came round.",
                [Sample(heartbeat)]),

            Metric(
                .gauge, "nodeguard_check_status", "The answer of a posture check: 1 pass, 0 fail, -1 unknown.",
                checks.samples("check") { Sample(status: $0) }),
            Metric(
                .gauge, "nodeguard_selinux_enforcing", "Whether SELinux enforces its policy.",
                [Sample(selinuxEnforcing)]),
            Metric(
                .gauge, "nodeguard_vpn_route_ok", "Whether the route to the internet is as configured.",
                vpnRouteOK.samples("family") { Sample($0) }),
            Metric(
                .gauge, "nodeguard_vpn_handshake_age_seconds", "Time since an interface's last handshake.",
                vpnHandshakeAgeSeconds.samples("interface") { Sample($0) }),

            Metric(.gauge, "nodeguard_gate_open", "Whether the gate is open.", [Sample(gate.isOpen)]),
            Metric(
                .gauge, "nodeguard_gate_mode_info", "What the gate's decisions do to the ports.",
                [gate.mode.map { Sample([("mode", $0.rawValue)], 1) }]),
            Metric(
                .gauge, "nodeguard_gate_override", "Whether a person has forced the gate open or shut.",
                [Sample(gate.isOverridden)]),
            Metric(
                .counter, "nodeguard_gate_transitions_total", "How often the gate went to a state.",
                gate.transitions.samples("to") { Sample($0) }),
            Metric(
                .counter, "nodeguard_gate_dropped_packets_total", "Packets that the gate dropped.",
                gate.droppedPackets.samples("direction") { Sample($0) }),
            Metric(
                .counter, "nodeguard_gate_dropped_packets_by_reason_total", "Packets that the gate dropped, by why.",
                gate.droppedByReason.sortedPairs.flatMap { direction, reasons in
                    reasons.sortedPairs.map { Sample([("direction", direction), ("reason", $0)], $1) }
                }),

            Metric(
                .gauge, "nodeguard_signatures_timestamp_seconds", "When a signature database was made.",
                signatureDatabases.samples("database") { Sample($0) }),
            Metric(
                .gauge, "nodeguard_signatures_loaded", "Signatures in the engine when it last ran.",
                [Sample(signaturesLoaded)]),

            Metric(
                .gauge, "nodeguard_scan_running", "Whether a scan of the target runs.",
                targets.samples("target") { Sample($0.isRunning) }),
            Metric(
                .gauge, "nodeguard_scan_last_start_timestamp_seconds", "When the last scan of the target began.",
                targets.samples("target") { Sample($0.lastStart) }),
            Metric(
                .gauge, "nodeguard_scan_last_completion_timestamp_seconds",
                "When a scan of the target last came to its end.",
                targets.samples("target") { Sample($0.lastCompletion) }),
            Metric(
                .gauge, "nodeguard_scan_last_duration_seconds", "How long the last scan that came to its end took.",
                targets.samples("target") { Sample(microseconds: $0.lastDurationMicroseconds) }),
            Metric(
                .gauge, "nodeguard_scan_last_files", "Files of the last scan that came to its end, by outcome.",
                targets.sortedPairs.flatMap { name, target in
                    Outcome.Kind.allCases.map { kind in
                        target.lastCounts.map { counts in
                            Sample([("target", name), ("outcome", kind.rawValue)], counts[kind])
                        }
                    }
                }),
            Metric(
                .gauge, "nodeguard_scan_last_bytes", "Bytes looked at by the last scan that came to its end.",
                targets.samples("target") { Sample($0.lastBytes) }),
            Metric(
                .gauge, "nodeguard_scan_oldest_verified_timestamp_seconds",
                "When the file was looked at whose look is the longest ago.",
                targets.samples("target") { Sample($0.oldestVerified) }),
            Metric(
                .gauge, "nodeguard_scan_next_timestamp_seconds", "When the next scan of the target is due.",
                targets.samples("target") { Sample($0.nextScan) }),

            Metric(
                .gauge, "nodeguard_scan_reverify_seconds", "How long a look at an unchanged file counts.",
                [Sample(reverifySeconds)]),

            Metric(
                .gauge, "nodeguard_findings", "Findings in the target, by what became of them.",
                targets.sortedPairs.flatMap { name, target in
                    target.findings.sortedPairs.map { Sample([("target", name), ("state", $0)], $1) }
                }),
            Metric(
                .gauge, "nodeguard_quarantined_files", "Files in the quarantine.", [Sample(quarantinedFiles)]),
            Metric(
                .gauge, "nodeguard_key_file_problems", "Key files with an owner or permissions they should not have.",
                [Sample(keyFileProblems)]),
        ]
    }
}

/// One metric with all its samples. HELP texts are ours: they contain nothing that would have to be escaped.
private struct Metric {
    enum Kind: String {
        case gauge, counter
    }

    let kind: Kind
    let name: String
    let help: StaticString
    let samples: [Sample]

    init(_ kind: Kind, _ name: String, _ help: StaticString, _ samples: [Sample?]) {
        self.kind = kind
        self.name = name
        self.help = help
        self.samples = samples.compactMap { $0 }
    }

    var text: String {
        "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
            + samples.map { "\(name)\($0.labelText) \($0.value)\n" }.joined()
    }
}

/// One value with its labels.
private struct Sample {
    var labels: [(name: String, value: String)]
    let value: String

    init(_ labels: [(String, String)], _ number: UInt64) {
        self.labels = labels
        value = String(number)
    }

    init?(_ number: UInt64?) {
        guard let number else { return nil }
        self.init([], number)
    }

    init?(_ truth: Bool?) {
        guard let truth else { return nil }
        self.init([], truth ? 1 : 0)
    }

    init?(_ time: UnixTime?) {
        guard let time else { return nil }
        labels = []
        value = (time.microseconds < 0 ? "-" : "") + decimal(microseconds: time.microseconds.magnitude)
    }

    init?(microseconds: UInt64?) {
        guard let microseconds else { return nil }
        labels = []
        value = decimal(microseconds: microseconds)
    }

    init(status: CheckChanged.Status) {
        labels = []
        value =
            switch status {
            case .pass: "1"
            case .fail: "0"
            case .unknown: "-1"
            }
    }

    var labelText: String {
        if labels.isEmpty { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
    }
}

/// Seconds with as many places as they need.
private func decimal(microseconds: UInt64) -> String {
    let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    if rest == 0 { return String(seconds) }
    var places = String(1_000_000 + rest).dropFirst()
    while places.last == "0" { places.removeLast() }
    return "\(seconds).\(places)"
}

/// The three characters that the text format escapes in a label's value.
private func escaped(_ value: String) -> String {
    value.unicodeScalars.map { scalar in
        switch scalar {
        case "\\": "\\\\"
        case "\"": "\\\""
        case "\n": "\\n"
        default: String(scalar)
        }
    }.joined()
}

extension Dictionary where Key: CodingKeyRepresentable {
    /// The entries in the order of their names, so that the file is the same for the same values.
    fileprivate var sortedPairs: [(name: String, value: Value)] {
        map { ($0.key.codingKey.stringValue, $0.value) }.sorted { $0.0 < $1.0 }
    }

    /// A sample for each entry that has one, with the entry's name as label.
    fileprivate func samples(_ label: String, _ sample: (Value) -> Sample?) -> [Sample?] {
        sortedPairs.map { name, value in
            var sample = sample(value)
            sample?.labels = [(label, name)]
            return sample
        }
    }
}
