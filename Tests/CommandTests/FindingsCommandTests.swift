import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// What becomes of findings over many scans: the real program with the real engine and real files.
@Suite struct FindingsCommandTests {
    private let folder: TemporaryFolder
    private let configuration: String

    init() throws {
        folder = try TemporaryFolder()
        // Made of two parts, so that this file is not itself taken for a finding.
        try folder.write(
            "signatures/t.ndb",
            "Bad.One:0:*:\(Self.hex("nodeguard-bad-one"))\nBad.Two:0:*:\(Self.hex("nodeguard-bad-two"))\n")
        try folder.write("state/.keep", "")
        try folder.write("tree/clean", "nothing\n")
        configuration = "\(folder.path)/n.yaml"
        try configure()
    }

    private static let one = "nodeguard-" + "bad-one\n"
    private static let two = "nodeguard-" + "bad-two\n"

    private static func hex(_ text: String) -> String { text.utf8.map { String(format: "%02x", $0) }.joined() }

    private func configure(exclude: String = "[]", action: String = "report", throttle: String = "null") throws {
        try folder.write(
            "n.yaml",
            """
            scan:
              signatures: \(folder.path)/signatures
              action: \(action)
              throttle: {bytesPerSecond: \(throttle)}
              targets: [{name: t, paths: [\(folder.path)/tree], exclude: \(exclude)}]
            journal: {enabled: false}
            metrics: {textfile: \(folder.path)/metrics.prom}
            paths: {state: \(folder.path)/state, runtime: \(folder.path)/run}

            """)
    }

    @discardableResult
    private func nodeguard(_ arguments: String...) throws -> ProgramResult {
        try runProgram([builtProgram("nodeguard")] + arguments + ["--config", configuration])
    }

    private func scan(_ status: Int32, _ comment: Comment? = nil) throws {
        let result = try nodeguard("scan-now")
        #expect(result.status == status, "\(result.output)\(result.errors)")
    }

    private struct Report: Decodable {
        let open: Int
        let findings: [Finding]

        struct Finding: Decodable {
            let id: String
            let state: String
            let path: String
            let pathBase64: String?
            let signatures: [String]
            let size: UInt64?
            let target: String?
            let firstSeen: String
            let quarantineID: String?
        }
    }

    private func findings() throws -> [Report.Finding] {
        let result = try nodeguard("findings", "--all", "--json")
        let report = try JSONDecoder().decode(Report.self, from: Data(result.stdout))
        #expect(result.status == (report.open > 0 ? 1 : 0))
        #expect(report.open == report.findings.count { $0.state == "open" })
        return report.findings.sorted { $0.path < $1.path }
    }

    private func states() throws -> [String] { try findings().map(\.state) }

    @Test func aFindingIsOpenUntilItIsGone() throws {
        #expect(try nodeguard("findings").status == 0)
        try folder.write("tree/a", Self.one)
        try scan(1)
        let first = try #require(try findings().first)
        #expect(first.state == "open" && first.path == "\(folder.path)/tree/a" && first.target == "t")
        #expect(first.signatures == ["Bad.One.UNOFFICIAL"] && first.size == 18)
        #expect(try nodeguard("findings").output.contains("nodeguard findings ack \(first.id)"))
        try scan(1)
        #expect(try findings().map(\.id) == [first.id])
        // Cleaned, and infected again: the same finding.
        try folder.write("tree/a", "harmless\n")
        try scan(0)
        #expect(try states() == ["gone"])
        try folder.write("tree/a", Self.one)
        try scan(1)
        let again = try #require(try findings().first)
        #expect(again.state == "open" && again.id == first.id && again.firstSeen == first.firstSeen)
        // Removed, with its folder walked.
        #expect(try runProgram(["rm", "\(folder.path)/tree/a"]).status == 0)
        try scan(0)
        #expect(try states() == ["gone"])
    }

    @Test func aScanThatWentOnProvesWhatIsGone() throws {
        try folder.write("tree/a", Self.one)
        try folder.write("tree/b", Self.one)
        try scan(1)
        #expect(try states() == ["open", "open"])

        // Slow enough to be met in the middle: 64 KiB a second.
        try configure(throttle: "64KiB")
        for number in 0..<40 { try folder.write("tree/\(number)", "\(number)" + String(repeating: "x", count: 65536)) }
        let first = try RunningProgram([builtProgram("nodeguard"), "scan-now", "--json", "--config", configuration])
        try first.waitForOutput("file.clean")
        first.signal(SIGINT)
        #expect(try first.finish().status == 128 + SIGINT)
        #expect(try runProgram(["rm", "\(folder.path)/tree/a"]).status == 0)
        try configure()
        let last = try nodeguard("scan-now", "--json")
        #expect(last.status == 1 && last.output.contains(#""event":"scan.resumed""#), "\(last.output)")
        #expect(try states() == ["gone", "open"])
    }

    @Test func acknowledgedUntilContentOrSignatureChanges() throws {
        try folder.write("tree/a", Self.one)
        try scan(1)
        let id = try #require(try findings().first).id
        #expect(try nodeguard("findings", "ack", id, "--reason", " ").status == 64)
        #expect(try nodeguard("findings", "ack", "none", "--reason", "x").status == 2)
        #expect(try nodeguard("findings", "ack", String(id.prefix(4)), "--reason", "a test file").status == 0)
        #expect(try nodeguard("findings").status == 0)
        // Still infected, as the scan says; still accepted.
        try scan(1)
        #expect(try states() == ["acknowledged"])
        #expect(try nodeguard("findings", "--all").output.contains("a test file"))
        // Other content with the same signature and the same size and times.
        let path = "\(folder.path)/tree/a"
        let swap =
            "touch -r \(path) \(folder.path)/r; sed -i 's/$/ /' \(path); truncate -s 18 \(path); touch -r \(folder.path)/r \(path)"
        #expect(try runProgram(["sh", "-c", swap]).status == 0)
        try scan(1)
        #expect(try states() == ["open"])
        #expect(try nodeguard("findings", "ack", id, "--reason", "again").status == 0)
        try scan(1)
        #expect(try states() == ["acknowledged"])
        try folder.write("tree/a", Self.two)
        try scan(1)
        #expect(try states() == ["open"])
    }

    @Test func whatWasNotLookedAtIsNotGone() throws {
        try folder.write("tree/sub/a", Self.one)
        try folder.write("tree/b", Self.one)
        try scan(1)
        try configure(exclude: "[sub, b]")
        #expect(try nodeguard("scan-now").status != 1)
        #expect(try states() == ["open", "open"])
        // A scan of something else says nothing of them either.
        try configure()
        #expect(try nodeguard("scan-now", "\(folder.path)/tree/clean").status == 0)
        #expect(try states() == ["open", "open"])
        // A scan of the folder by hand does, also from a relative path.
        #expect(try runProgram(["rm", "\(folder.path)/tree/sub/a"]).status == 0)
        let byHand = try runProgram(
            [builtProgram("nodeguard"), "scan-now", "sub", "--config", configuration],
            in: folder.path.appending("tree"))
        #expect(byHand.status == 0)
        #expect(try states() == ["open", "gone"])
    }

    @Test func aFileSystemMountedOverItHidesIt() throws {
        try folder.write("tree/sub/a", Self.one)
        try scan(1)
        let sub = "\(folder.path)/tree/sub"
        #expect(try runProgram(["mount", "-t", "tmpfs", "tmpfs", sub]).status == 0)
        defer { _ = try? runProgram(["umount", sub]) }
        #expect(try nodeguard("scan-now").status != 1)
        #expect(try states() == ["open"])
    }

    @Test func pathsAreBytes() throws {
        let made = try runProgram([
            "sh", "-c", "printf '%s' '\(Self.one)' > \"$(printf '\(folder.path)/tree/\\377\\033x')\"",
        ])
        #expect(made.status == 0)
        try scan(1)
        let finding = try #require(try findings().first)
        #expect(finding.path.hasSuffix("/tree/\\xff\\x1bx"))
        #expect(Data(base64Encoded: try #require(finding.pathBase64))?.suffix(3) == Data([0xff, 0x1b, 0x78]))
    }

    @Test func historyOfScans() throws {
        #expect(try nodeguard("history").output == "no scan yet\n")
        try scan(0)
        #expect(try nodeguard("scan-now", "\(folder.path)/tree").status == 0)
        struct History: Decodable {
            struct Scan: Decodable {
                let target: String?
                let complete: Bool
            }
            let scans: [Scan]
        }
        let all = try JSONDecoder().decode(History.self, from: Data(try nodeguard("history", "--json").stdout))
        #expect(all.scans.map(\.target) == [nil, "t"] && all.scans.allSatisfy(\.complete))
        #expect(try nodeguard("history", "--target", "t").output.split(separator: "\n").count == 1)
    }

    @Test func aDamagedFileIsToldOnceAndNotTrusted() throws {
        try folder.write("tree/a", Self.one)
        try scan(1)
        try folder.write("state/findings.db", String(repeating: "nonsense", count: 4000))
        let first = try nodeguard("findings")
        // Nothing is open as far as anybody knows, which is not the same as nothing is open.
        #expect(first.status == 2)
        #expect(first.errors.contains("findings.db.damaged-"))
        #expect(try nodeguard("findings").errors.contains("findings.db.damaged-"))
        try scan(1)
        #expect(try states() == ["open"])
    }

    @Test func aFullDiskIsToldAndLosesNothing() throws {
        let state = "\(folder.path)/state"
        #expect(try runProgram(["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", state]).status == 0)
        defer { _ = try? runProgram(["umount", state]) }
        try folder.write("tree/a", Self.one)
        try scan(1)
        _ = try runProgram(["dd", "if=/dev/zero", "of=\(state)/filler", "bs=4k"])
        for number in 0..<400 { try folder.write("tree/b\(number)", Self.one) }
        let result = try nodeguard("scan-now")
        #expect(result.status != 0 && !result.errors.isEmpty)
        let known = try findings()
        #expect(known.contains { $0.path == "\(folder.path)/tree/a" && $0.state == "open" })
        #expect(try runProgram(["rm", "\(state)/filler"]).status == 0)
        for number in 5..<400 { try #require(try runProgram(["rm", "\(folder.path)/tree/b\(number)"]).status == 0) }
        try scan(1)
        #expect(try findings().count { $0.state == "open" } == 6)
    }

    /// Seeded rounds: whatever a killed program had told is still there, and the file is never damaged.
    @Test func killedWhileItWrites() throws {
        var seed: UInt64 = 20_261_123
        var known: Set<String> = []
        for round in 0..<12 {
            for number in 0..<10 { try folder.write("tree/r\(round)-\(number)", Self.one) }
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let program = try RunningProgram([builtProgram("nodeguard"), "scan-now", "--config", configuration])
            // The order is the folder's; so this is anything between the first and the last of them.
            try program.waitForOutput("tree/r\(round)-\((seed >> 33) % 10)", deadline: 60)
            program.signal(SIGKILL)
            // What is on the screen was kept before the next line came: all but the last.
            let told = try program.finish().output.split(separator: "\n").filter { $0.hasPrefix("INFECTED") }
                .dropLast().map { String($0.split(separator: " ")[1]) }
            let kept = try nodeguard("findings", "--all", "--json")
            #expect(kept.status == 1 || kept.status == 0, "\(kept.errors)")
            #expect(!kept.errors.contains("damaged"))
            let paths = Set(try findings().map(\.path))
            #expect(paths.isSuperset(of: known) && paths.isSuperset(of: told))
            known = paths
        }
        try scan(1)
        #expect(try findings().count { $0.state == "open" } == 120)
    }

    // MARK: Quarantine

    @Test func quarantineThereAndBackAgain() throws {
        try configure(action: "quarantine")
        try folder.write("tree/a", Self.one)
        try folder.write("tree/beacon/db/x", Self.one)
        try scan(1)
        let all = try findings()
        #expect(all.map(\.state) == ["quarantined", "open"])
        let id = try #require(all[0].quarantineID)
        #expect(try nodeguard("quarantine", "list").output.hasPrefix("\(id)  \(folder.path)/tree/a  18 B  "))
        #expect(try runProgram(["ls", "\(folder.path)/tree"]).output == "beacon\nclean\n")
        #expect(try metric("nodeguard_quarantined_files") == "1")

        #expect(try nodeguard("quarantine", "restore", String(id.prefix(5))).status == 0)
        #expect(try runProgram(["cat", "\(folder.path)/tree/a"]).output == Self.one)
        #expect(try states() == ["open", "open"])
        #expect(try metric("nodeguard_quarantined_files") == "0")
        // Not accepted: it is set aside again. Accepted: it stays.
        try scan(1)
        #expect(try states() == ["quarantined", "open"])
        let second = try #require(try findings().first?.quarantineID)
        #expect(try nodeguard("quarantine", "restore", second).status == 0)
        #expect(try nodeguard("findings", "ack", findings()[0].id, "--reason", "ours").status == 0)
        try scan(1)
        #expect(try states() == ["acknowledged", "open"])
        #expect(try nodeguard("quarantine", "list").output == "nothing is in the quarantine\n")
    }

    @Test func everyNameOfAFileIsSetAside() throws {
        try configure(action: "quarantine")
        try folder.write("tree/a", Self.one)
        for name in ["b", "c"] {
            #expect(try runProgram(["ln", "\(folder.path)/tree/a", "\(folder.path)/tree/\(name)"]).status == 0)
        }
        let result = try nodeguard("scan-now")
        #expect(result.status == 1)
        #expect(result.output.contains("2 other names of it remain"))
        #expect(try states() == ["quarantined", "quarantined", "quarantined"], "\(result.output)")
    }

    @Test func deleteAndErrors() throws {
        try configure(action: "quarantine")
        #expect(try nodeguard("quarantine", "list").status == 0)
        #expect(try nodeguard("quarantine", "delete", "nothing").status == 2)
        try folder.write("tree/a", Self.one)
        try scan(1)
        let id = try #require(try findings().first?.quarantineID)
        try folder.write("tree/a", "mine\n")
        let restore = try nodeguard("quarantine", "restore", id)
        #expect(restore.status == 2 && restore.errors.contains("--to"))
        #expect(try runProgram(["cat", "\(folder.path)/tree/a"]).output == "mine\n")
        #expect(try nodeguard("quarantine", "restore", id, "--to", "/proc/x").status == 2)
        #expect(try nodeguard("quarantine", "delete", id).status == 0)
        #expect(try states() == ["gone"])
        #expect(try nodeguard("quarantine", "restore", id).status == 2)
    }

    @Test func aTargetThatCannotBeWrittenToIsAnError() throws {
        try configure(action: "quarantine")
        let tree = "\(folder.path)/tree"
        #expect(try runProgram(["mount", "--bind", "-o", "ro", tree, tree]).status == 0)
        defer { _ = try? runProgram(["umount", tree]) }
        let result = try nodeguard("scan-now")
        #expect(result.status == 2)
        #expect(result.errors.contains("action: report") && result.errors.contains(tree))
    }

    private func metric(_ name: String) throws -> String? {
        let text = try runProgram(["cat", "\(folder.path)/metrics.prom"]).output
        return text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }?.split(separator: " ").last.map(
            String.init)
    }
}
