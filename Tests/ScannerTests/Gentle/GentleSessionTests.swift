import FoundationEssentials
import Glibc
import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Scanner

/// What a session does for others, seen from outside: the real session, the real engine.
@Suite struct GentleSessionTests {
    private static let bad = "nodeguard-tests: gentle and bad"

    /// A sample folder, a signature, and an order to scan.
    private final class House {
        let folder: TemporaryFolder

        init() throws {
            folder = try TemporaryFolder()
            let hex = GentleSessionTests.bad.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            try folder.write("signatures/test.ndb", "Test.Bad:0:*:\(hex.joined())\n")
            try folder.write("state/here", "")
        }

        func order(_ change: (inout SessionOrder) -> Void = { _ in }) -> SessionOrder {
            var order = SessionOrder(
                targets: [SessionOrder.Target(name: nil, paths: [folder.path.appending("sample")])],
                signatures: folder.path.appending("signatures"), workers: 1,
                scratchParent: folder.path.appending("state"), report: .everything)
            change(&order)
            return order
        }

        /// Makes a file old enough for its times to be believed.
        func age(_ name: String) throws {
            let result = try runProgram(["/usr/bin/touch", "-d", "1 hour ago", folder.path.appending(name).string])
            #expect(result.status == 0)
        }

        /// Runs the session in this process.
        func run(
            _ order: SessionOrder, clock: @escaping () -> UnixTime = UnixTime.now, tell: (Event) -> Void = { _ in }
        ) throws -> [Event] {
            var events: [Event] = []
            try withoutActuallyEscaping(tell) { tell in
                try Session.run(order, engine: FilePath(builtProgram("nodeguard-engine")), clock: clock) {
                    events.append($0)
                    tell($0)
                }
            }
            return events
        }
    }

    private func files(_ events: [Event]) -> [String: Outcome] {
        var outcomes: [String: Outcome] = [:]
        for case .file(let file) in events { outcomes[file.path.lastComponent?.string ?? ""] = file.outcome }
        return outcomes
    }

    private func summary(_ events: [Event]) -> ScanSummary? {
        if case .summary(let summary) = events.last { summary } else { nil }
    }

    @Test("session, engine and worker of a scheduled scan run at idle priority; one by hand is only weaker than others")
    func priority() throws {
        let house = try House()
        try house.folder.write("sample/large", String(repeating: "x", count: 4 << 20))
        for trigger in [ScanStarted.Trigger.schedule, .manual] {
            let order = house.order {
                // So slow that it is still there to be looked at.
                $0.throttle = Throttle(bytesPerSecond: 64 << 10)
                $0.trigger = trigger
            }
            let session = try RunningProgram(
                [builtProgram("nodeguard"), "scan-session"], input: Array(JSONEncoder().encode(order)))
            try session.waitForOutput("signatures.loaded")
            let engine = try #require(try child(of: session.pid))
            let worker = try #require(try child(of: engine))
            for process in [session.pid, engine, worker] {
                #expect(try IdlePriority.isTaken(by: process) == (trigger == .schedule))
                if trigger == .manual {
                    #expect(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(process)) >= 10)
                }
            }
            session.signal(SIGTERM)
            #expect(try session.finish().status == 0)
        }
        #expect(try !IdlePriority.isTaken(by: getpid()))
    }

    /// The first process that a process has started, waited for.
    private func child(of process: Int32) throws -> Int32? {
        let end = ContinuousClock.now.advanced(by: .seconds(60))
        while ContinuousClock.now < end {
            let file = try FileDescriptor.open(
                FilePath("/proc/\(process)/task/\(process)/children"), .readOnly, options: .closeOnExec)
            let text = try file.closeAfter { String(decoding: try readToEnd(file), as: UTF8.self) }
            if let child = text.split(separator: " ").compactMap({ Int32($0) }).first { return child }
            usleep(1000)
        }
        return nil
    }

    @Test("outside of its window nothing is looked at, and it says why")
    func outside() throws {
        let house = try House()
        try house.folder.write("sample/a", "hello")
        let now = UnixTime(seconds: 1_790_000_000)
        let window = ScanWindow(start: 0, end: 1)
        let moment = window.contains(now) ? UnixTime(seconds: 1_790_000_000 + 7200) : now
        let events = try house.run(house.order { $0.window = window }, clock: { moment })
        #expect(summary(events)?.totals.completeness != .complete)
        let interrupted = events.compactMap { if case .scanInterrupted(let one) = $0 { one } else { nil } }
        #expect(interrupted.map(\.reason) == [.window])
        #expect(!events.contains { if case .scanFinished = $0 { true } else { false } })
    }

    @Test("when the window closes, what was begun is told and counted, the rest is left")
    func closing() throws {
        let house = try House()
        for number in 0..<400 { try house.folder.write("sample/file-\(number)", "content \(number)") }
        // An hour is over as soon as the first file was told.
        let inside = UnixTime(seconds: 1_790_000_000)
        let window = try #require(
            (0..<24).map { ScanWindow(start: $0 * 60, end: ($0 + 1) % 24 * 60) }.first { $0.contains(inside) })
        var now = inside
        var told = 0
        let events = try house.run(house.order { $0.window = window }, clock: { now }) { event in
            guard case .file = event else { return }
            told += 1
            if told == 1 { now = UnixTime(seconds: 1_790_000_000 + 3600) }
        }
        let totals = try #require(summary(events)?.totals)
        #expect(totals.completeness != .complete)
        #expect(totals.counts.total == UInt64(files(events).count))
        #expect(totals.counts.total > 0 && totals.counts.total < 400)
        #expect(totals.counts[.clean] == totals.counts.total)
    }

    @Test("a file with many names is looked at once, and every name gets its outcome")
    func hardLinks() throws {
        let house = try House()
        try house.folder.write("sample/good", "good")
        try house.folder.write("sample/bad", Self.bad)
        for name in ["good", "bad"] {
            for number in 1...3 {
                #expect(
                    try runProgram(
                        ["/bin/ln", name, "\(name)-\(number)"], in: house.folder.path.appending("sample")
                    ).status == 0)
            }
        }
        // Only the kernel sets the change time: it has to grow old by itself.
        sleepUntilSettled(house.folder.path.appending("sample/good"))
        let events = try house.run(house.order())
        let outcomes = files(events)
        #expect(outcomes.count == 8)
        let good = outcomes.filter { $0.key.hasPrefix("good") }.map(\.value)
        #expect(good.filter { $0 == .clean }.count == 1)
        #expect(good.filter { $0 == .unchanged }.count == 3)
        for (name, outcome) in outcomes where name.hasPrefix("bad") {
            #expect(outcome == .infected(first: "Test.Bad.UNOFFICIAL"))
        }
    }

    /// Waits until a change of this file is too old to be mistaken for a later one.
    private func sleepUntilSettled(_ path: FilePath) {
        guard let file = try? Opening.start(at: path), let status = try? FileStatus.of(file) else { return }
        while UnixTime.now().microseconds / 1_000_000 <= status.changed.seconds + 3 { usleep(100_000) }
    }

    /// On a real disk's file system: /var/tmp.
    @Test("files that nobody had in the page cache are not in it after the scan, and those that were still are")
    func pageCache() throws {
        let house = try House()
        let result = try runProgram(["/bin/mktemp", "-d", "/var/tmp/nodeguard-test-XXXXXX"])
        let path = FilePath(result.output.split(separator: "\n").joined())
        defer { try? removeTree(path) }
        for name in ["cold", "hot"] {
            let file = try FileDescriptor.open(
                path.appending(name), .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
            defer { try? file.close() }
            _ = try file.writeAll([UInt8](repeating: 7, count: 300_000))
            #expect(fsync(file.rawValue) == 0)
            if name == "cold" { posix_fadvise(file.rawValue, 0, 0, POSIX_FADV_DONTNEED) }
        }
        func residency(_ name: String) throws -> Residency {
            let start = try Opening.start(at: path.appending(name))
            return Residency(of: try Opening.readable(start), size: 300_000)
        }
        #expect(try residency("cold").absent == [0..<303_104])
        for throttle in [Throttle.none, Throttle(ioPressure: 10)] {
            let events = try house.run(
                house.order {
                    $0.targets[0].paths = [path]
                    $0.throttle = throttle
                })
            #expect(files(events) == ["cold": .clean, "hot": .clean])
            #expect(try residency("cold").absent == [0..<303_104])
            #expect(try residency("hot").absent.isEmpty)
        }
    }

    @Test("large files wait for each other, and all are looked at beside small ones")
    func largeFiles() throws {
        let house = try House()
        // Sparse, so that they cost no disk.
        for number in 0..<6 {
            let path = try house.folder.write("sample/large-\(number)", Self.bad)
            #expect(unsafe path.withPlatformString { unsafe truncate($0, off_t(Look.largeSize + 4096)) } == 0)
        }
        for number in 0..<50 { try house.folder.write("sample/small-\(number)", "small") }
        let events = try house.run(house.order { $0.workers = 2 })
        let outcomes = files(events)
        #expect(outcomes.count == 56)
        for number in 0..<6 { #expect(outcomes["large-\(number)"] == .infected(first: "Test.Bad.UNOFFICIAL")) }
        #expect(summary(events)?.totals.counts[.clean] == 50)
    }
}
