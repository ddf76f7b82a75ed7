import EngineProtocol
import Glibc
import Journal
import SystemPackage
import TestSupport
import Testing

/// Files that cannot be read to their end. Needs root and FUSE.
@Suite struct ReadErrorTests {
    private let long = [UInt8](repeating: 0x61, count: 3 << 20)

    private func scan(
        _ files: [StrangeFiles.File], listingFails: Bool = false
    ) throws -> ScanResult {
        let house = try ScanHouse()
        let strange = try StrangeFiles(at: house.sample, files, listingFails: listingFails)
        return try withExtendedLifetime(strange) { try house.scan() }
    }

    /// libclamav calls it clean and only says so in a message.
    @Test func anErrorInTheMiddleIsIncomplete() throws {
        let result = try scan([
            .init("broken", long, .failsToRead(from: 1 << 20)), .init("good", long),
        ])
        #expect(result.outcome("broken") == .incomplete(.ioError))
        #expect(result.outcome("good") == .clean)
        #expect(result.status == 2)
    }

    @Test func anErrorAtTheBeginningIsIncomplete() throws {
        let result = try scan([.init("broken", long, .failsToRead(from: 0))])
        #expect(result.outcome("broken") == .incomplete(.ioError))
    }

    @Test func whatWasFoundBeforeTheErrorStaysFound() throws {
        let result = try scan([.init("broken", ScanHouse.bad + long, .failsToRead(from: 1 << 20))])
        #expect(result.status == 1 || result.outcome("broken") == .incomplete(.ioError))
    }

    @Test func aFileThatCannotBeOpenedIsIncomplete() throws {
        let result = try scan([.init("closed", ScanHouse.good, .failsToOpen)])
        #expect(result.outcome("closed") == .incomplete(.ioError))
        #expect(result.report("closed")?.detail?.contains("Input/output error") == true)
        #expect(result.status == 2)
    }

    @Test func aFileThatIsGoneBeforeItIsOpenedHasVanished() throws {
        let result = try scan([
            .init("listed", ScanHouse.good, .isGoneWhenLookedFor), .init("found", ScanHouse.good, .isGoneWhenOpened),
            .init("good", ScanHouse.good),
        ])
        #expect(result.outcome("listed") == .skipped(.vanished))
        #expect(result.outcome("found") == .skipped(.vanished))
        #expect(result.outcome("good") == .clean)
        #expect(result.status == 0)
    }

    @Test func aFolderThatCannotBeReadToItsEndIsIncomplete() throws {
        let result = try scan([.init("good", ScanHouse.good), .init("bad", ScanHouse.bad)], listingFails: true)
        #expect(result.outcome("good") == .clean)
        #expect(result.outcome("bad") == .bad)
        #expect(result.outcome("sample") == .incomplete(.ioError))
        #expect(result.status == 1)
    }
}
