import Glibc
import Journal
import SystemPackage
import TestSupport
import Testing

@Suite("A scan that was interrupted goes on")
struct InterruptionTests {
    @Test(
        "Killed at any instant, again and again: nothing is lost, nothing missed",
        arguments: [7, 11])
    func kill9(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let house = try LedgerHouse()
        try house.fill(400)
        let bad = (0..<8).map { _ in Int.random(in: 0..<400, using: &random) }
        for number in Set(bad) {
            try house.folder.write("tree/d\(number % 7)/file-\(number)", LedgerHouse.bad + "\(number)")
        }
        try house.waitUntilSettled()
        var first: ScanID?
        var resumptions = 0
        for _ in 0..<12 {
            let scan = try RunningProgram(house.command())
            try scan.waitForOutput("\"event\":\"scan.")
            // Whenever it is: after a certain time, or after a certain number of files.
            usleep(UInt32.random(in: 0...400_000, using: &random))
            // The session is a process group of its own and dies with its parent.
            scan.signal(SIGKILL)
            let told = try LedgerScan(scan.finish())
            if told.counts.total > 0 { continue }
            #expect(told.problems.allSatisfy { $0.problem != .damaged })
            // The session of the round before had not yet noticed its parent's end.
            if told.problems.contains(where: { $0.problem == .busy }) { continue }
            let id = told.resumed?.scanID ?? told.started?.scanID
            if let resumed = told.resumed, let first {
                resumptions += 1
                #expect(resumed.scanID == first && told.interrupted?.scanID == first)
            }
            first = id ?? first
        }
        let last = try retry(house)
        #expect(last.problems.isEmpty)
        #expect(last.counts.total == 400)
        #expect(last.counts[.infected] == UInt64(Set(bad).count))
        #expect(last.counts[.clean] + last.counts[.unchanged] == 400 - UInt64(Set(bad).count))
        let after = try house.scan()
        #expect(after.resumed == nil && after.counts[.unchanged] == 400 - UInt64(Set(bad).count))
        #expect(resumptions > 0, "no round was interrupted in the middle")
    }

    /// The session of a killed parent may hold the ledger for a moment longer.
    private func retry(_ house: LedgerHouse) throws -> LedgerScan {
        while true {
            let scan = try house.scan()
            if scan.problems.allSatisfy({ $0.problem != .busy }) { return scan }
        }
    }

    @Test("Ended by SIGTERM: told at once, and the next scan has the same name and leaves out what was settled")
    func sigterm() throws {
        let house = try LedgerHouse()
        try house.fill(3000)
        try house.folder.write("tree/aaa", LedgerHouse.bad)
        try house.waitUntilSettled()
        let scan = try RunningProgram(house.command())
        try scan.waitForOutput("file.clean")
        scan.signal(SIGTERM)
        let first = try LedgerScan(scan.finish())
        let interrupted = try #require(first.interrupted)
        #expect(interrupted.reason == .requested)
        let second = try house.scan()
        #expect(second.interrupted == nil)
        #expect(second.resumed?.scanID == interrupted.scanID && second.finished?.scanID == interrupted.scanID)
        #expect(second.resumed?.counts == interrupted.counts)
        #expect(second.counts[.unchanged] == interrupted.counts[.clean] && second.counts.total == 3001)
        #expect(second.counts[.infected] == 1)
        let settled = interrupted.counts[.infected] == 1
        #expect(!settled || second.report("aaa")?.detail?.contains("before the scan was interrupted") == true)
    }

    @Test("A file that killed two workers is not tried again before it changes")
    func crash() throws {
        let house = try LedgerHouse()
        try house.shell("truncate -s 1500M big")
        try house.waitUntilSettled()
        let scan = try RunningProgram(house.command())
        var killed: Set<Int32> = []
        // The worker that has the file is the one that uses the processor; canaries are done before.
        while killed.count < 2 {
            for worker in try workers(of: scan.pid) where !killed.contains(worker) {
                guard try holds(worker, house.tree.appending("big")) else { continue }
                kill(worker, SIGKILL)
                killed.insert(worker)
            }
            usleep(5000)
        }
        #expect(try LedgerScan(scan.finish()).outcome("big") == .incomplete(.engineCrash))
        let second = try house.scan()
        #expect(second.outcome("big") == .incomplete(.engineCrash) && !second.startedEngine)
        #expect(second.report("big")?.detail?.contains("not tried again") == true)
        #expect(second.status == 2)
        try house.shell("truncate -s 1M big")
        #expect(try house.scan().outcome("big") == .clean)
    }

    private func workers(of process: Int32) throws -> [Int32] {
        try children(process).flatMap { try children($0) }.flatMap { try children($0) }
    }

    private func children(_ process: Int32) throws -> [Int32] {
        let path = "/proc/\(process)/task/\(process)/children"
        return try runProgram(["/bin/sh", "-c", "cat \(path) 2>/dev/null || true"]).output
            .split { $0 == " " || $0 == "\n" }.compactMap { Int32($0) }
    }

    private func holds(_ process: Int32, _ file: FilePath) throws -> Bool {
        try runProgram(["/bin/sh", "-c", "ls -l /proc/\(process)/fd 2>/dev/null || true"]).output
            .contains(file.string)
    }
}
