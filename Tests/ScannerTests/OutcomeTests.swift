import Journal
import SystemPackage
import TestSupport
import Testing

/// The exit status and the sums of a scan with nothing strange in it.
@Suite struct OutcomeTests {
    @Test func allCleanExitsWith0() throws {
        let house = try ScanHouse()
        try house.put("one", ScanHouse.good)
        try house.put("folder/two", ScanHouse.good)
        let result = try house.scan()
        #expect(result.status == 0)
        #expect(result.counts[.clean] == 2)
        #expect(result.completeness == .complete)
        #expect(try house.scratch() == [])
    }

    @Test func foundExitsWith1EvenBesideSomethingThatCouldNotBeScanned() throws {
        let house = try ScanHouse()
        try house.put("bad", [1, 2, 3] + ScanHouse.bad)
        try house.shell("echo secret > s; zip -q -P p locked.zip s; rm s")
        let result = try house.scan()
        #expect(result.status == 1)
        #expect(result.outcome("bad") == .bad)
        #expect(result.outcome("locked.zip") == .incomplete(.encrypted))
    }

    @Test func notScannedExitsWith2() throws {
        let house = try ScanHouse()
        try house.put("good", ScanHouse.good)
        try house.shell("echo secret > s; zip -q -P p locked.zip s; rm s")
        #expect(try house.scan().status == 2)
    }

    @Test func anEmptyFolderIsComplete() throws {
        let result = try ScanHouse().scan()
        #expect(result.status == 0)
        #expect(result.counts.total == 0)
        #expect(result.completeness == .complete)
    }

    @Test func severalOverlappingPathsAreEachScannedAndCounted() throws {
        let house = try ScanHouse()
        try house.put("folder/bad", ScanHouse.bad)
        let result = try house.scan(
            house.sample, house.sample.appending("folder"), house.sample.appending("folder/bad"))
        #expect(result.status == 1)
        #expect(result.counts[.infected] == 3)
    }

    /// libclamav does not look at files of up to five bytes; no signature could match in them.
    @Test func tinyFilesAreClean() throws {
        let house = try ScanHouse()
        for size in 0...8 { try house.put("size-\(size)", [UInt8](repeating: 0x90, count: size)) }
        let result = try house.scan()
        #expect(result.status == 0)
        #expect(result.counts[.clean] == 9)
    }

    /// Without the agent linked to libclamav, its bugs are the engine's alone.
    @Test func onlyTheEngineIsLinkedWithLibclamav() throws {
        #expect(try !runProgram(["/usr/bin/ldd", builtProgram("nodeguard")]).output.contains("clamav"))
        #expect(try runProgram(["/usr/bin/ldd", builtProgram("nodeguard-engine")]).output.contains("libclamav.so"))
    }
}
