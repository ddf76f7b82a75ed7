import ContentHash
import EngineProtocol
import Glibc
import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Scanner

@Suite("What the ledger believes, by the clock")
struct LedgerTests {
    private let folder: TemporaryFolder
    private let file: FileStatus
    private let identity = FileSystemIdentity(words: (1, 2, 3))
    private let context = LookContext(signatures: .init(of: [1]), engine: .init(of: [2]), options: .init(of: [3]))
    private let digest = Digest(of: [42])
    /// When the file was last changed, in whole seconds.
    private let changed: Int64

    init() throws {
        folder = try TemporaryFolder()
        file = try FileStatus.of(Opening.start(at: try folder.write("file", "text")))
        changed = file.changed.seconds
    }

    /// A ledger `seconds` after the file's last change.
    private func ledger(
        _ seconds: Int64, reverify: UInt64 = 30 * 86400, context: LookContext? = nil, isFull: Bool = false
    ) -> Ledger {
        let ledger = Ledger(state: folder.path, reverify: reverify) { [changed] in
            UnixTime(seconds: changed + seconds)
        }
        _ = ledger.begin(key: "target t", name: "t", context: context ?? self.context, isFull: isFull)
        return ledger
    }

    private func remember(_ seconds: Int64, crashed: Bool = false) throws {
        let ledger = ledger(seconds)
        let subject = try #require(ledger.subject(file, on: identity, isBulk: false, hasUnwritten: false))
        if crashed { ledger.remember(subject, crashed: digest) } else { ledger.remember(subject, clean: digest) }
        ledger.complete()
        ledger.close()
    }

    private func isUnchanged(_ ledger: Ledger) -> Bool {
        defer { ledger.close() }
        return if case .unchanged = ledger.decision(for: file, on: identity, isBulk: false) { true } else { false }
    }

    @Test("A file with pages that are not on the disk yet is not remembered, for its times may stay while it changes")
    func unwritten() {
        #expect(ledger(1000).subject(file, on: identity, isBulk: false, hasUnwritten: true) == nil)
        // Where the kernel does not tell, the pages are written after a while.
        #expect(ledger(40).subject(file, on: identity, isBulk: false, hasUnwritten: nil) == nil)
        #expect(ledger(62).subject(file, on: identity, isBulk: false, hasUnwritten: nil) != nil)
    }

    @Test("A look within two seconds of the last change, or before it, is not remembered")
    func quiet() {
        for seconds: Int64 in [-100, 0, 1, 2] {
            #expect(ledger(seconds).subject(file, on: identity, isBulk: false, hasUnwritten: false) == nil)
        }
        #expect(ledger(4).subject(file, on: identity, isBulk: false, hasUnwritten: false) != nil)
        #expect(ledger(4).subject(file, on: nil, isBulk: false, hasUnwritten: false) == nil)
    }

    @Test("Nothing counts longer than reverify, and nothing of a time to come")
    func age() throws {
        try remember(1000)
        #expect(isUnchanged(ledger(2000)))
        #expect(isUnchanged(ledger(14 * 86400)))
        // As long as since the last scan, and the look would be too old before the next one.
        #expect(!isUnchanged(ledger(16 * 86400)))
        #expect(!isUnchanged(ledger(31 * 86400)))
        #expect(!isUnchanged(ledger(999)), "the clock was set back")
        #expect(isUnchanged(ledger(3000)))
    }

    @Test("Another engine, other limits, other signatures, another file system, a full scan: looked at again")
    func contexts() throws {
        try remember(1000)
        for other in [
            LookContext(signatures: .init(of: [9]), engine: .init(of: [2]), options: .init(of: [3])),
            LookContext(signatures: .init(of: [1]), engine: .init(of: [9]), options: .init(of: [3])),
            LookContext(signatures: .init(of: [1]), engine: .init(of: [2]), options: .init(of: [9])),
        ] { #expect(!isUnchanged(ledger(2000, context: other))) }
        #expect(!isUnchanged(ledger(2000, isFull: true)))
        let elsewhere = ledger(2000)
        #expect(
            elsewhere.decision(for: file, on: FileSystemIdentity(words: (1, 2, 4)), isBulk: false) == .due)
        elsewhere.close()
        #expect(isUnchanged(ledger(2000)))
    }

    @Test("What killed the engine is left alone until the engine is another one, however long that takes")
    func crashes() throws {
        try remember(1000, crashed: true)
        func decide(_ ledger: Ledger) -> Ledger.Decision {
            defer { ledger.close() }
            return ledger.decision(for: file, on: identity, isBulk: false)
        }
        let newSignatures = LookContext(signatures: .init(of: [9]), engine: .init(of: [2]), options: .init(of: [3]))
        for ledger in [ledger(2000), ledger(90 * 86400), ledger(2000, context: newSignatures)] {
            guard case .settled(.incomplete(.engineCrash), _, _) = decide(ledger) else {
                Issue.record("it was to be tried again")
                continue
            }
        }
        let newEngine = LookContext(signatures: .init(of: [1]), engine: .init(of: [9]), options: .init(of: [3]))
        #expect(decide(ledger(2000, context: newEngine)) == .due)
        #expect(decide(ledger(2000, isFull: true)) == .due)
    }

    @Test("A second session beside the first one reads what is there and writes nothing")
    func twoSessions() throws {
        try remember(1000)
        let first = ledger(2000)
        let second = ledger(2000)
        #expect(second.problems.map(\.problem) == [.busy])
        #expect(isUnchanged(second) && isUnchanged(first))
    }

    @Test("Written anew when most of it is of no use any more: no longer than it has to be, and nothing lost")
    func compaction() throws {
        for round in 0..<40 {
            let ledger = ledger(1000 + Int64(round))
            let subject = try #require(ledger.subject(file, on: identity, isBulk: false, hasUnwritten: false))
            for _ in 0..<2000 { ledger.remember(subject, clean: digest) }
            ledger.complete()
            ledger.close()
            #expect(ledger.problems.isEmpty)
        }
        let size = try FileStatus.of(Opening.start(at: folder.path.appending("ledger/files"))).size
        #expect(size < 2 << 20, "\(size) bytes for one file")
        #expect(isUnchanged(ledger(2000)))
    }

    @Test("Two file systems with one identity, mounted at once: the second is in doubt")
    func clones() throws {
        try remember(1000)
        let ledger = ledger(2000)
        #expect(ledger.decision(for: file, on: identity, isBulk: false) != .due)
        let other = try FileStatus.of(Opening.start(at: "/proc/self/status"))
        #expect(other.device != file.device)
        #expect(ledger.subject(other, on: identity, isBulk: false, hasUnwritten: false) == nil)
        ledger.close()
    }
}

@Suite("Bulk data has its turn")
struct BulkRotationTests {
    @Test("New signatures every night for three months: every file once in reverify, no night far above another")
    func nights() {
        var random = Seeded(state: 5)
        let reverify = 30
        let sizes = (0..<3000).map { _ in UInt64.random(in: 1_000_000...64_000_000, using: &random) }
        let total = sizes.reduce(0, +)
        // All of them in the first night.
        var lookedAt = [UInt32](repeating: 0, count: sizes.count)
        var nightly: [UInt64] = []
        for night in 1...90 {
            let rotation = BulkRotation(
                outdated: sizes.indices.map {
                    .init(lookedAt: lookedAt[$0], inode: UInt64($0), size: sizes[$0])
                }, files: UInt64(sizes.count), bytes: total, share: 1.1 / Double(reverify))
            var bytes: UInt64 = 0
            for index in sizes.indices where rotation.includes(lookedAt: lookedAt[index], inode: UInt64(index)) {
                bytes += sizes[index]
                lookedAt[index] = UInt32(night * 86400)
            }
            nightly.append(bytes)
            let oldest = night - Int(lookedAt.min()! / 86400)
            #expect(oldest <= reverify, "night \(night)")
        }
        let share = total / UInt64(reverify)
        #expect(nightly.allSatisfy { $0 > share / 2 && $0 < share * 3 / 2 })
    }
}

@Suite("What a look depends on")
struct LookContextTests {
    @Test("Every change of the databases, the engine or the limits is another context; a look at them is none")
    func changes() throws {
        let folder = try TemporaryFolder()
        let run = { (script: String) throws in
            let result = try runProgram(["/bin/sh", "-euc", script], in: folder.path)
            #expect(result.status == 0, "\(script): \(result.errors)")
        }
        try run("mkdir db; printf 'ClamAV-VDB:%0600d' 1 > db/daily.cvd; echo a > db/own.ndb; cp /bin/true engine")
        let signatures = folder.path.appending("db")
        let engine = folder.path.appending("engine")
        var limits = EngineLimits.standard
        func now() throws -> LookContext {
            try #require(LookContext.now(signatures: signatures, engine: engine, limits: limits))
        }
        var before = try now()
        #expect(try now() == before)
        try run("cat db/* > /dev/null; echo unrelated > db/freshclam.dat; touch -a db/own.ndb")
        // A loose database counts with the time of its last change: reading it is none, but touch(1) is.
        before = try now()
        for change in [
            "echo b > db/second.ndb", "rm db/second.ndb",
            "touch -r db/own.ndb ref; echo c > db/own.ndb; touch -r ref db/own.ndb",
            "chmod g+w db/daily.cvd", "chmod 770 db", "touch -d 2020-01-01 db/daily.cvd",
            "printf 'ClamAV-VDB:%0600d' 1 | sed s/0/1/ > new; touch -r db/daily.cvd new; cat new > db/daily.cvd; touch -r new db/daily.cvd",
            "echo >> engine",
        ] {
            try run(change)
            let after = try now()
            #expect(after != before, "\(change)")
            before = after
        }
        limits.members += 1
        #expect(try now() != before)
        try run("rm db/daily.cvd db/own.ndb")
        #expect(LookContext.now(signatures: signatures, engine: engine, limits: limits) == nil)
    }
}

@Suite("A plan")
struct PlanTests {
    @Test("It says how long, whether window and reverify are kept, and which number to change")
    func warnings() {
        var plan = Plan()
        for _ in 0..<1000 { plan.add(1_000_000, isDue: true) }
        for _ in 0..<1000 { plan.add(1_000_000, isDue: false) }
        var rate = LookRate()
        let unknown = plan.judged(
            target: nil, rate: rate, bounds: PlanBounds(window: nil), bytesPerSecond: nil, reverifySeconds: 86400)
        #expect(unknown.seconds == nil && unknown.keepsWindow == nil && unknown.warnings.isEmpty)
        // A file a second.
        rate.add(files: 100, bytes: 100_000_000, microseconds: 100_000_000)
        let night = PlanBounds(window: ScanWindow(start: 23 * 60 + 50, end: 5))
        let judged = plan.judged(
            target: "t", rate: rate, bounds: night, bytesPerSecond: nil, reverifySeconds: 2 * 86400)
        #expect(judged.seconds == 1000 && judged.windowSeconds == 900)
        #expect(judged.filesDue == 1000 && judged.files == 2000 && judged.bytesDue == 1_000_000_000)
        #expect(judged.keepsWindow == false && judged.keepsReverify == false)
        #expect(judged.warnings.count == 2)
        #expect(
            judged.warnings[0].contains("widen scan.window") && judged.warnings[1].contains("raise scan.reverify to 3d")
        )
        let slow = plan.judged(
            target: nil, rate: rate, bounds: PlanBounds(window: nil), bytesPerSecond: 100_000, reverifySeconds: 86400)
        #expect(slow.seconds == 10000 && slow.keepsWindow == true && slow.keepsReverify == true)
    }
}
