import Journal
import SystemPackage
import TestSupport
import Testing

/// Files that are written to while they are looked at. Needs root and FUSE.
@Suite struct ChangingFileTests {
    private func scan(_ content: [UInt8], _ strangeness: StrangeFiles.File.Strangeness) throws -> ScanResult {
        let house = try ScanHouse()
        let strange = try StrangeFiles(at: house.sample, [.init("changing", content, strangeness)])
        return try withExtendedLifetime(strange) { try house.scan() }
    }

    @Test func aFileThatGrowsIsNotClean() throws {
        let result = try scan(ScanHouse.good, .grows)
        #expect(result.outcome("changing") == .incomplete(.changed))
        #expect(result.status == 2)
    }

    /// Anybody can put the time of the last write back; the kernel's own ctime tells all the same.
    @Test func aFileThatIsRewrittenWithItsTimePutBackIsNotClean() throws {
        let result = try scan(ScanHouse.good, .changesAlways)
        #expect(result.outcome("changing") == .incomplete(.changed))
        #expect(result.status == 2)
    }

    @Test func aFileThatChangedOnceIsLookedAtAgain() throws {
        let quiet = try scan(ScanHouse.good, .changesOnce(to: ScanHouse.good))
        #expect(quiet.outcome("changing") == .clean)
        #expect(quiet.status == 0)
        let padding = [UInt8](repeating: 0x20, count: 4096)
        let bad = try scan(ScanHouse.good + padding, .changesOnce(to: padding + ScanHouse.bad))
        #expect(bad.outcome("changing") == .bad)
    }

    @Test func whatIsFoundInAChangingFileStaysFound() throws {
        #expect(try scan(ScanHouse.bad, .changesAlways).outcome("changing") == .bad)
    }
}
