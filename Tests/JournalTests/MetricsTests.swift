import Dispatch
import Foundation
import Glibc
import Journal
import LinuxSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Everything known, and every label as odd as it may be.
let fullSnapshot: MetricsSnapshot = {
    let moment = UnixTime(microseconds: 1_785_120_000_250_000)
    var snapshot = MetricsSnapshot(version: "0.1.0 \"quoted\" \\back\nnext")
    snapshot.up = UnixTime(seconds: 1_785_000_000)
    snapshot.heartbeat = moment
    snapshot.checks = [label("selinux"): .pass, label("vpn-route"): .fail, label("vpn-handshake"): .unknown]
    snapshot.selinuxEnforcing = true
    snapshot.vpnRouteOK = [.ipv4: true, .ipv6: false]
    snapshot.vpnHandshakeAgeSeconds = [label("wg0"): 12, label(#"odd"if\"#): 4_000_000_000]
    snapshot.gate.isOpen = false
    snapshot.gate.mode = .observe
    snapshot.gate.isOverridden = false
    snapshot.gate.transitions = [.open: 3, .closed: 4]
    snapshot.gate.droppedPackets = [.inbound: 1_000_000, .outbound: 0]
    snapshot.gate.droppedByReason = [
        .inbound: [label("shut"): 1_000_000, label("answer"): 0], .outbound: [label("around"): 0],
    ]
    snapshot.signatureDatabases = [label("daily"): moment, label("main"): UnixTime(seconds: 1_700_000_000)]
    snapshot.signaturesLoaded = 8_700_000
    var target = MetricsSnapshot.Target()
    target.isRunning = true
    target.lastStart = moment
    target.lastCompletion = moment
    target.lastDurationMicroseconds = 61_000_001
    target.lastCounts = counts
    target.lastBytes = 123_456_789_012
    target.oldestVerified = moment
    target.nextScan = moment
    target.findings = [.open: 1, .acknowledged: 2, .quarantined: 0]
    snapshot.targets = [label("system"): target, label("validators"): target]
    snapshot.reverifySeconds = 2_592_000
    snapshot.quarantinedFiles = 2
    snapshot.keyFileProblems = 0
    return snapshot
}()

private func label(_ text: String) -> MetricLabel {
    MetricLabel(text)!
}

@Suite("Metrics as text")
struct MetricsTextTests {
    /// The metrics of the contract with their labels.
    static let promised: [String: [String]] = [
        "nodeguard_build_info": ["version"],
        "nodeguard_up_timestamp_seconds": [],
        "nodeguard_heartbeat_timestamp_seconds": [],
        "nodeguard_check_status": ["check"],
        "nodeguard_selinux_enforcing": [],
        "nodeguard_vpn_route_ok": ["family"],
        "nodeguard_vpn_handshake_age_seconds": ["interface"],
        "nodeguard_gate_open": [],
        "nodeguard_gate_mode_info": ["mode"],
        "nodeguard_gate_override": [],
        "nodeguard_gate_transitions_total": ["to"],
        "nodeguard_gate_dropped_packets_total": ["direction"],
        "nodeguard_gate_dropped_packets_by_reason_total": ["direction", "reason"],
        "nodeguard_signatures_timestamp_seconds": ["database"],
        "nodeguard_signatures_loaded": [],
        "nodeguard_scan_running": ["target"],
        "nodeguard_scan_last_start_timestamp_seconds": ["target"],
        "nodeguard_scan_last_completion_timestamp_seconds": ["target"],
        "nodeguard_scan_last_duration_seconds": ["target"],
        "nodeguard_scan_last_files": ["target", "outcome"],
        "nodeguard_scan_last_bytes": ["target"],
        "nodeguard_scan_oldest_verified_timestamp_seconds": ["target"],
        "nodeguard_scan_next_timestamp_seconds": ["target"],
        "nodeguard_scan_reverify_seconds": [],
        "nodeguard_findings": ["target", "state"],
        "nodeguard_quarantined_files": [],
        "nodeguard_key_file_problems": [],
    ]

    @Test("Exactly the promised metrics with exactly the promised labels")
    func namesAndLabels() throws {
        var seen: [String: [String]] = [:]
        for sample in try samples(fullSnapshot.prometheusText) { seen[sample.name] = sample.labels.map(\.name) }
        #expect(seen == Self.promised)
    }

    @Test("What is not known is left out; an unknown check is -1, never 0 or 1")
    func unknown() throws {
        var snapshot = MetricsSnapshot(version: "1")
        #expect(try samples(snapshot.prometheusText).map(\.name) == ["nodeguard_build_info"])
        snapshot.checks = [label("selinux"): .unknown]
        snapshot.targets = [label("system"): MetricsSnapshot.Target()]
        let all = try samples(snapshot.prometheusText)
        #expect(all.map(\.name) == ["nodeguard_build_info", "nodeguard_check_status"])
        #expect(all.last?.value == -1)
        #expect(!snapshot.prometheusText.contains("nodeguard_scan"))
    }

    @Test("Seconds are written exactly, however large")
    func exactSeconds() {
        var snapshot = MetricsSnapshot(version: "1")
        for (microseconds, text) in [
            (1_785_120_000_250_000, "1785120000.25"), (1_785_120_000_000_001, "1785120000.000001"),
            (1_785_120_000_000_000, "1785120000"), (-500_000, "-0.5"), (0, "0"), (.max, "9223372036854.775807"),
        ] as [(Int64, String)] {
            snapshot.up = UnixTime(microseconds: microseconds)
            #expect(snapshot.prometheusText.contains("\nnodeguard_up_timestamp_seconds \(text)\n"))
        }
    }

    @Test(
        "promtool has not a word to say",
        arguments: [fullSnapshot, MetricsSnapshot(version: "1")])
    func promtool(snapshot: MetricsSnapshot) throws {
        let check = try runProgram(["promtool", "check", "metrics"], input: Array(snapshot.prometheusText.utf8))
        #expect(check.status == 0 && check.output.isEmpty && check.errors.isEmpty, "\(check.output)\(check.errors)")
    }

    @Test("A snapshot that was stored is the same when it is read back")
    func stored() throws {
        for snapshot in [fullSnapshot, MetricsSnapshot(version: "1")] {
            let stored = try JSONEncoder().encode(snapshot)
            #expect(try JSONDecoder().decode(MetricsSnapshot.self, from: stored) == snapshot)
        }
    }

    @Test("What an earlier version stored is read, and what it did not know is not known")
    func storedEarlier() throws {
        let stored = #"{"version":"0.0.9","gate":{"transitions":{"open":3}},"targets":{"system":{"lastBytes":7}}}"#
        let snapshot = try JSONDecoder().decode(MetricsSnapshot.self, from: Data(stored.utf8))
        #expect(snapshot.gate.transitions == [.open: 3])
        #expect(snapshot.targets[label("system")]?.lastBytes == 7)
        #expect(snapshot.quarantinedFiles == nil && snapshot.gate.droppedByReason.isEmpty)
    }

    @Test(
        "Neither a path nor anything unprintable can be a label", arguments: ["", "/etc", "a/b", "a\nb", "a\u{202E}"])
    func refusedLabels(text: String) {
        #expect(MetricLabel(text) == nil)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([MetricLabel: Int].self, from: JSONEncoder().encode([text: 1]))
        }
    }

    @Test("A label has a longest length")
    func longLabel() {
        #expect(MetricLabel(String(repeating: "x", count: MetricLabel.maximumLength)) != nil)
        #expect(MetricLabel(String(repeating: "x", count: MetricLabel.maximumLength + 1)) == nil)
    }
}

@Suite("The metrics file")
struct MetricsFileTests {
    @Test("node-exporter, as a user without rights, serves every sample of the file, and no error")
    func nodeExporter() throws {
        try withScratchFolder { folder in
            try MetricsFile(path: folder.appending("nodeguard.prom")).write(fullSnapshot)
            // What a writer that was killed leaves behind must not be taken for metrics.
            try write("half a met", to: folder.appending(".nodeguard.prom.new"))

            let exporter = try RunningProgram([
                "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "prometheus-node-exporter",
                "--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory=\(folder)",
                "--web.listen-address=127.0.0.1:0",
            ])
            let log = try exporter.waitForErrors("msg=\"TLS is disabled.\"", deadline: 60)
            let address = try #require(log.firstRange(of: "msg=\"Listening on\" address=127.0.0.1:"))
            let port = try #require(UInt16(log[address.upperBound...].prefix { $0.isNumber }))
            // The exporter's metrics of itself are not looked at.
            let lines = try scrape(port: port).split(separator: "\n", omittingEmptySubsequences: false)
            let served = try samples(
                lines.filter { $0.contains("nodeguard_") || $0.contains("node_textfile_") || $0.isEmpty }
                    .joined(separator: "\n"))
            exporter.signal(SIGTERM)
            _ = try exporter.finish(deadline: 60)

            let written = try samples(fullSnapshot.prometheusText)
            #expect(written.count > 40)
            for sample in written {
                #expect(served.contains { $0.isSame(as: sample) }, "\(sample)")
            }
            #expect(served.count { $0.name.hasPrefix("nodeguard_") } == written.count)
            #expect(served.filter { $0.name == "node_textfile_scrape_error" }.map(\.value) == [0])
        }
    }

    @Test("A reader sees the old file or the new one, never a part, while it is replaced")
    func atomic() throws {
        try withScratchFolder { folder in
            let file = MetricsFile(path: folder.appending("nodeguard.prom"))
            let snapshots = [fullSnapshot, MetricsSnapshot(version: "1")]
            let texts = snapshots.map { Array($0.prometheusText.utf8) }
            try file.write(snapshots[0])
            let isDone = Atomic(false)
            let failures = Mutex<[String]>([])
            let seen = Mutex<Set<Int>>([])
            DispatchQueue.concurrentPerform(iterations: 2) { role in
                do {
                    if role == 0 {
                        defer { isDone.store(true, ordering: .releasing) }
                        // Until the reader has met both, and for a good while at least.
                        var round = 0
                        while round < 300 || (round < 100_000 && seen.withLock { $0.count } < 2) {
                            try file.write(snapshots[round % 2])
                            round += 1
                        }
                    } else {
                        while !isDone.load(ordering: .acquiring) {
                            let bytes = try read(file.path)
                            if let which = texts.firstIndex(of: bytes) {
                                seen.withLock { _ = $0.insert(which) }
                            } else {
                                failures.withLock { $0.append("read \(bytes.count) bytes") }
                            }
                        }
                    }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
            #expect(failures.withLock { $0 } == [])
            #expect(seen.withLock { $0 } == [0, 1])
            #expect(try namesIn(folder) == [Array("nodeguard.prom".utf8)])
        }
    }

    @Test("The file is readable by all, whatever the umask and whatever the old file was")
    func mode() throws {
        try withScratchFolder { folder in
            let path = folder.appending("nodeguard.prom")
            for umask in ["077", "777", "000"] {
                let script = "umask \(umask); exec \"$0\" metrics \"$1\""
                let run = try runProgram(["sh", "-c", script, try builtProgram("journal-probe"), path.string])
                #expect(run.status == 0, "\(run.output)")
                #expect(try runProgram(["stat", "-c", "%a", path.string]).output == "644\n")
                #expect(try runProgram(["chmod", "600", path.string]).status == 0)
            }
        }
    }

    @Test("What lies in the way of the new file is removed, not followed")
    func leftover() throws {
        try withScratchFolder { folder in
            let precious = folder.appending("precious")
            try write("precious", to: precious)
            let path = folder.appending("nodeguard.prom")
            #expect(try runProgram(["ln", "-s", precious.string, "\(folder)/.nodeguard.prom.new"]).status == 0)
            // A link in the place of the metrics is replaced as well.
            #expect(try runProgram(["ln", "-s", precious.string, path.string]).status == 0)
            try MetricsFile(path: path).write(fullSnapshot)
            #expect(try read(precious) == Array("precious".utf8))
            #expect(try read(path) == Array(fullSnapshot.prometheusText.utf8))
            #expect(try namesIn(folder) == ["nodeguard.prom", "precious"].map { Array($0.utf8) })
        }
    }

    @Test("A folder that is not there is an error that says what to do")
    func missingFolder() throws {
        try withScratchFolder { folder in
            let path = folder.appending("missing/nodeguard.prom")
            let error = try #require(throws: MetricsFileError.self) {
                try MetricsFile(path: path).write(fullSnapshot)
            }
            #expect(error.cause.errno == .noSuchFileOrDirectory)
            #expect("\(error)".contains("\(folder)/missing") && "\(error)".contains("metrics.textfile"))
        }
    }

    @Test("A folder in the place of the file is an error and stays as it is")
    func folderInTheWay() throws {
        try withScratchFolder { folder in
            #expect(try runProgram(["mkdir", "\(folder)/nodeguard.prom"]).status == 0)
            let error = try #require(throws: MetricsFileError.self) {
                try MetricsFile(path: folder.appending("nodeguard.prom")).write(fullSnapshot)
            }
            #expect(error.cause.errno == .isDirectory)
            #expect(error.fix.contains("name a file"))
            #expect(try namesIn(folder) == [Array("nodeguard.prom".utf8)])
        }
    }

    /// Needs root: mounts and another user.
    @Test(
        "On a full disk, a read-only one and without rights the old file stays, and nothing beside it",
        arguments: Obstacle.all)
    func obstacles(obstacle: Obstacle) throws {
        try #require(geteuid() == 0, "this test needs root, for mounts and another user")
        try withScratchFolder { folder in
            let script = """
                set -eu
                probe=$1 folder=$2
                mount -t tmpfs -o size=64k,mode=755 tmpfs "$folder"
                echo old >"$folder/nodeguard.prom"
                \(obstacle.script)
                \(obstacle.user) "$probe" metrics "$folder/nodeguard.prom" || echo "ended with $?"
                echo "file: $(cat "$folder/nodeguard.prom")"
                echo "beside: $(ls -A "$folder" | grep -v fill | tr '\\n' ' ')"
                """
            let run = try runProgram([
                "unshare", "--mount", "bash", "-c", script, "bash", try builtProgram("journal-probe"), folder.string,
            ])
            #expect(run.output.contains("the metrics were not written: cannot "), "\(run.output)\(run.errors)")
            #expect(run.output.contains(obstacle.says), "\(run.output)")
            #expect(run.output.contains(obstacle.fix), "\(run.output)")
            #expect(run.output.contains("ended with 1\nfile: old\nbeside: nodeguard.prom \n"), "\(run.output)")
        }
    }

    /// Something that keeps the file from being written.
    struct Obstacle: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let script: String
        var user = ""
        let says: String
        let fix: String

        static let all = [
            Obstacle(
                testDescription: "a full disk", script: #"head -c 1M /dev/zero >"$folder/fill" 2>/dev/null || true"#,
                says: "No space left on device (write)", fix: "make room"),
            Obstacle(
                testDescription: "a disk without inodes", script: #"mount -o remount,nr_inodes=2 "$folder""#,
                says: "No space left on device (openat)", fix: "make room"),
            Obstacle(
                testDescription: "a read-only disk", script: #"mount -o remount,ro "$folder""#,
                says: "Read-only file system", fix: "ReadWritePaths="),
            Obstacle(
                testDescription: "a user without rights", script: "true",
                user: "setpriv --reuid=65534 --regid=65534 --clear-groups", says: "Permission denied",
                fix: "chown root the folder"),
        ]
    }
}

/// One line of the text format.
private struct MetricSample: Hashable {
    let name: String
    let labels: [Pair]
    let value: Double

    struct Pair: Hashable {
        let name: String
        let value: String
    }

    /// node-exporter writes labels in the order of their names.
    func isSame(as other: MetricSample) -> Bool {
        name == other.name && Set(labels) == Set(other.labels) && value == other.value
    }
}

private struct NotTheTextFormat: Error {
    let line: String
}

/// Reads the text format strictly enough to notice a timestamp, a missing HELP or TYPE, or a missing last newline.
private func samples(_ text: String) throws -> [MetricSample] {
    guard text.hasSuffix("\n") else { throw NotTheTextFormat(line: String(text.suffix(80))) }
    var result: [MetricSample] = []
    var declared: [String: Int] = [:]
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
        if line.hasPrefix("# HELP ") || line.hasPrefix("# TYPE ") {
            let name = String(line.split(separator: " ")[2])
            declared[name, default: 0] += 1
            continue
        }
        var rest = line
        let name = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
        rest = rest.dropFirst(name.count)
        var labels: [MetricSample.Pair] = []
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = String(rest.prefix { $0 != "=" })
                rest = rest.dropFirst(label.count + 2)
                var value = ""
                while let character = rest.popFirst(), character != "\"" {
                    if character == "\\", let next = rest.popFirst() {
                        value.append(next == "n" ? "\n" : next)
                    } else {
                        value.append(character)
                    }
                }
                labels.append(.init(name: label, value: value))
                if rest.first == "," { rest = rest.dropFirst() }
            }
            rest = rest.dropFirst()
        }
        guard declared[name] == 2, rest.first == " ", let value = Double(rest.dropFirst()) else {
            throw NotTheTextFormat(line: String(line))
        }
        result.append(MetricSample(name: name, labels: labels, value: value))
    }
    return result
}

/// GET /metrics over a plain socket; HTTP/1.0 ends with the connection.
private func scrape(port: UInt16) throws -> String {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let connection = OwnedDescriptor(owning: FileDescriptor(rawValue: number))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard connected == 0 else { throw Errno(rawValue: errno) }
    try connection.descriptor.writeAll(Array("GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n".utf8))
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe connection.descriptor.read(into: $0) }
        if count == 0 { break }
        answer += buffer[..<count]
    }
    let text = String(decoding: answer, as: UTF8.self)
    let end = try #require(text.firstRange(of: "\r\n\r\n"))
    #expect(text.hasPrefix("HTTP/1.0 200"))
    return String(text[end.upperBound...])
}
