import EngineProtocol
import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// What happens when a part of the scan dies in the middle of a file. Needs root and FUSE: a file that answers when the
/// test wants it to holds the scan where it is.
@Suite struct FaultTests {
    /// A house with one file that stalls and one behind it that is bad, and the scan that has come to the stalling one.
    private func stalled(
        _ body: (ScanHouse, StrangeFiles, borrowing RunningScan) throws -> Void
    ) throws {
        let house = try ScanHouse()
        let strange = try StrangeFiles(
            at: house.sample, [.init("slow", ScanHouse.good, .stalls(from: 0)), .init("zzz-bad", ScanHouse.bad)])
        let scan = try house.start()
        try strange.waitForStalledRead()
        try body(house, strange, scan)
    }

    private func expectNothingLeft(
        _ house: ScanHouse, _ processes: [Int32], at location: SourceLocation = #_sourceLocation
    ) throws {
        for process in processes {
            let _: Bool = try waitFor("the end of process \(process)") { Processes.isAlive(process) ? nil : true }
        }
        // Whatever the fault has left behind, the next scan removes it.
        let other = try ScanHouse()
        #expect(try other.session { $0.scratchParent = house.state.appending("scratch") }.status == 0)
        #expect(try house.scratch() == [], sourceLocation: location)
    }

    @Test func aWorkerThatIsKilledOnceCostsNothing() throws {
        try stalled { house, strange, scan in
            let worker = try scan.worker()
            kill(worker, SIGKILL)
            let _: Bool = try waitFor("its end") { Processes.isAlive(worker) ? nil : true }
            strange.answer()
            let result = try scan.finish()
            #expect(result.outcome("slow") == .clean)
            #expect(result.outcome("zzz-bad") == .bad)
            #expect(result.status == 1)
            #expect(try house.scratch() == [])
        }
    }

    /// The second worker that dies of the same file: the file is to blame, and the others are scanned.
    @Test func aFileThatKillsTwoWorkersIsIncomplete() throws {
        try stalled { house, _, scan in
            let first = try scan.worker()
            kill(first, SIGKILL)
            // The file goes alone to the next worker, which is mid-file once it holds a descriptor of it.
            let second: Int32 = try waitFor("the second worker in the file") {
                Processes.children(of: try scan.engine()).first {
                    $0 != first && holds($0, house.sample.appending("slow"))
                }
            }
            kill(second, SIGKILL)
            let result = try scan.finish()
            #expect(result.outcome("slow") == .incomplete(.engineCrash))
            #expect(result.report("slow")?.detail?.contains("killed by signal 9") == true)
            #expect(result.outcome("zzz-bad") == .bad)
            #expect(result.status == 1)
            #expect(try house.scratch() == [])
        }
    }

    @Test func aKilledEngineEndsTheScanWithItsReason() throws {
        try stalled { house, _, scan in
            let processes = [try scan.session(), try scan.engine(), try scan.worker()]
            kill(processes[1], SIGKILL)
            let result = try scan.finish()
            #expect(result.status == 2)
            #expect(result.errors.contains("the engine ended"))
            #expect(result.completeness != .complete)
            #expect(result.counts[.clean] == 0)
            #expect(result.events.contains { if case .scanInterrupted = $0 { true } else { false } })
            try expectNothingLeft(house, processes)
        }
    }

    @Test func aKilledSessionEndsTheScanWithItsReason() throws {
        try stalled { house, _, scan in
            let processes = [try scan.session(), try scan.engine(), try scan.worker()]
            kill(processes[0], SIGKILL)
            let result = try scan.finish()
            #expect(result.status == 2)
            #expect(result.errors.contains("the scan session was killed by signal 9"))
            try expectNothingLeft(house, processes)
        }
    }

    @Test func aKilledScanNowTakesEverythingAlong() throws {
        try stalled { house, _, scan in
            let processes = [try scan.session(), try scan.engine(), try scan.worker()]
            scan.program.signal(SIGKILL)
            #expect(try scan.program.finish().end == .signalled(SIGKILL))
            try expectNothingLeft(house, processes)
        }
    }

    @Test(arguments: [SIGINT, SIGTERM]) func aSignalEndsTheScanInGoodOrder(_ signal: Int32) throws {
        try stalled { house, _, scan in
            let processes = [try scan.session(), try scan.engine(), try scan.worker()]
            scan.program.signal(signal)
            let result = try scan.finish()
            #expect(result.status == 128 + signal)
            #expect(result.errors.contains("interrupted"))
            #expect(result.completeness != .complete)
            #expect(result.summary != nil)
            #expect(try house.scratch() == [])
            try expectNothingLeft(house, processes)
        }
    }

    /// libclamav cannot be stopped in the middle of a read; its worker is ended.
    @Test(arguments: [StrangeFiles.File.Strangeness.stalls(from: 1 << 20), .stallsUnkillably(from: 1 << 20)])
    func aFileThatStallsIsGivenUp(_ strangeness: StrangeFiles.File.Strangeness) throws {
        let house = try ScanHouse()
        let strange = try StrangeFiles(
            at: house.sample,
            [
                .init("stalling", [UInt8](repeating: 0x61, count: 3 << 20), strangeness),
                .init("zzz-bad", ScanHouse.bad), .init("zzz-good", ScanHouse.good),
            ])
        let result = try withExtendedLifetime(strange) {
            try house.session { $0.limits.milliseconds = 1000 }
        }
        #expect(result.outcome("stalling") == .incomplete(.timeout))
        #expect(result.outcome("zzz-bad") == .bad)
        #expect(result.outcome("zzz-good") == .clean)
        #expect(result.completeness == .complete)
    }

    @Test func withoutAnEngineNothingIsScanned() throws {
        let house = try ScanHouse()
        try house.put("good", ScanHouse.good)
        try house.shell("cp \"$1\" ../nodeguard", builtProgram("nodeguard"))
        var command = try house.command()
        command[0] = house.folder.path.appending("nodeguard").string
        let result = try ScanResult(runProgram(command))
        #expect(result.status == 2)
        #expect(result.errors.contains("nodeguard-engine"))
        #expect(result.counts[.clean] == 0)
    }
}

/// Whether a process has the file open.
private func holds(_ process: Int32, _ path: FilePath) -> Bool {
    (0..<32).contains { number in
        (try? readLink(FilePath("/proc/\(process)/fd/\(number)"))) == path
    }
}
