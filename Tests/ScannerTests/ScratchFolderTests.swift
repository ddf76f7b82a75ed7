import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// libclamav calls every file clean where it cannot write its temporary folder. Needs root, to mount and to become an
/// unprivileged user: only for such a one the engine unpacks to disk, started by root it has memory of its own.
@Suite struct ScratchFolderTests {
    private func house() throws -> ScanHouse {
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        try house.put("good", ScanHouse.good)
        try house.open()
        return house
    }

    private func expectNothingClean(_ result: ScanResult, at location: SourceLocation = #_sourceLocation) {
        #expect(result.status != 0, sourceLocation: location)
        #expect(result.counts[.clean] == 0, sourceLocation: location)
        #expect(result.completeness != .complete, sourceLocation: location)
    }

    @Test func aFolderThatCannotBeWritten() throws {
        let house = try house()
        let mounted = try MountedFolder.tmpfs(at: house.folder.path.appending("disk"), bytes: 1 << 20)
        try mounted.makeReadOnly()
        let result = try house.session(under: ScanHouse.unprivileged) {
            $0.scratchParent = mounted.path.appending("scratch")
        }
        expectNothingClean(result)
        #expect(result.errors.contains("Read-only file system"))
        #expect(result.errors.contains(mounted.path.string))
    }

    @Test func aFolderThatIsNotThere() throws {
        let house = try house()
        let result = try house.session { $0.scratchParent = "/nonexistent/folder/scratch" }
        expectNothingClean(result)
        #expect(result.errors.contains("/nonexistent/folder"))
    }

    /// No room at all: not even for the signatures of the canaries.
    @Test func aFullDisk() throws {
        let house = try house()
        let mounted = try MountedFolder.tmpfs(at: house.folder.path.appending("disk"), bytes: 65536)
        try house.shell("cat /dev/zero > \"$1\" 2>/dev/null || true", mounted.path.appending("ballast").string)
        let result = try house.session(under: ScanHouse.unprivileged) {
            $0.scratchParent = mounted.path.appending("scratch")
        }
        expectNothingClean(result)
        #expect(result.errors.contains("No space left on device"))
    }

    /// Room for the canaries, and none for what has to be unpacked: its member is not scanned, and that is told.
    @Test(arguments: ["zip -q archive.zip", "tar -czf archive.tgz", "tar -cjf archive.tbz"])
    func aDiskThatIsTooSmallForAnArchive(_ pack: String) throws {
        let house = try house()
        try house.shell(
            "head -c 3000000 /dev/zero > member; cat bad >> member; \(pack) member; rm member; mv archive.* archive")
        let mounted = try MountedFolder.tmpfs(at: house.folder.path.appending("disk"), bytes: 1 << 20)
        let result = try house.session(under: ScanHouse.unprivileged) {
            $0.scratchParent = mounted.path.appending("scratch")
        }
        #expect(result.outcome("archive")?.kind == .incomplete)
        #expect(result.outcome("bad") == .bad)
        // With room enough it is found: so it is the disk that kept it from being found.
        #expect(try house.session(under: ScanHouse.unprivileged).outcome("archive") == .bad)
        // Root's engine unpacks to memory of its own, and does not need that disk.
        #expect(try house.session { $0.scratchParent = mounted.path.appending("of-root") }.outcome("archive") == .bad)
    }

    /// The session notices at its next canary that nothing is found any more.
    @Test func aFolderThatIsRemovedUnderTheEngine() throws {
        let house = try ScanHouse()
        let strange = try StrangeFiles(
            at: house.sample, [.init("slow", ScanHouse.good, .stalls(from: 0)), .init("zzz", ScanHouse.good)])
        try house.open()
        let scan = try house.start(under: ScanHouse.unprivileged)
        try strange.waitForStalledRead()
        try house.shell("rm -rf ../state/scratch")
        strange.answer()
        let result = try scan.finish()
        expectNothingClean(result)
        #expect(result.status == 2)
        #expect(result.errors.contains("missed its test signature"))
    }

    /// What a killed scan has left behind is removed by the next one; what another one still uses is not.
    @Test func leftoversAreRemovedByTheNextScan() throws {
        let house = try house()
        try house.shell(
            "mkdir -p ../state/scratch/scan-abcdef/worker-1; echo x > ../state/scratch/scan-abcdef/worker-1/f")
        #expect(try house.scan().status == 1)
        #expect(try house.scratch() == [])
    }

    @Test func theFolderOfARunningScanIsLeftAlone() throws {
        let house = try ScanHouse()
        let strange = try StrangeFiles(at: house.sample, [.init("slow", ScanHouse.bad, .stalls(from: 0))])
        let scan = try house.start()
        try strange.waitForStalledRead()
        let other = try ScanHouse()
        try other.put("bad", ScanHouse.bad)
        #expect(try other.session { $0.scratchParent = house.state.appending("scratch") }.outcome("bad") == .bad)
        #expect(try !house.scratch().isEmpty)
        strange.answer()
        #expect(try scan.finish().outcome("slow") == .bad)
        #expect(try house.scratch() == [])
    }
}
