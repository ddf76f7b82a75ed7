import Journal
import SystemPackage
import TestSupport
import Testing

@testable import Agent

@Suite("what scans in several sessions prove of findings")
struct FindingsRecorderTests {
    private let folder: TemporaryFolder
    private let scanID = ScanID.random()

    init() throws {
        folder = try TemporaryFolder()
    }

    private var counts: OutcomeCounts { OutcomeCounts() }

    private func file(_ path: FilePath, _ outcome: Outcome) -> Event {
        .file(FileReport(path: path, outcome: outcome, size: 1, target: "t", scanID: scanID))
    }

    private var infected: Outcome { .infected(first: "Bad", others: []) }

    private var interrupted: Event {
        .scanInterrupted(ScanInterrupted(scanID: scanID, target: "t", reason: .window, counts: counts))
    }

    private func resumed(_ paths: [FilePath] = ["/srv"]) -> Event {
        .scanResumed(ScanResumed(scanID: scanID, target: "t", paths: paths, counts: counts))
    }

    private func finished(_ completeness: ScanTotals.Completeness = .complete) -> Event {
        .scanFinished(
            ScanFinished(
                scanID: scanID, target: "t",
                totals: ScanTotals(
                    counts: counts, bytes: 0, durationMicroseconds: 1, findings: 0, completeness: completeness)))
    }

    /// One session, with a recorder of its own as each has.
    private func session(_ events: Event...) {
        let recorder = FindingsRecorder(state: folder.path)
        for event in events { recorder.record(event) }
        #expect(recorder.problems == [])
    }

    /// The paths that are still open.
    private func open() throws -> [FilePath] { try FindingsStore(state: folder.path).findings(all: false).map(\.path) }

    /// Found by one session, which did not come to the end.
    private func found(_ paths: FilePath...) {
        let started = ScanStarted(scanID: scanID, target: "t", paths: ["/srv"], trigger: .schedule)
        let recorder = FindingsRecorder(state: folder.path)
        recorder.record(.scanStarted(started))
        for path in paths { recorder.record(file(path, infected)) }
        recorder.record(interrupted)
    }

    @Test func `what the session that comes to the end does not meet is gone`() throws {
        found("/srv/a/x", "/srv/b")
        session(resumed(), file("/srv/b", infected), finished())
        #expect(try open() == ["/srv/b"])
    }

    @Test func `what it meets clean is gone, though a session before it met it infected`() throws {
        found("/srv/a/x")
        session(interrupted, resumed(), file("/srv/a/x", .unchanged), finished())
        #expect(try open() == [])
    }

    @Test func `what a session before met clean, and this one could not look at, is not gone`() throws {
        found("/srv/a/x", "/srv/b")
        session(resumed(), file("/srv/a/x", .clean), file("/srv/b", .clean), interrupted)
        session(
            resumed(), file("/srv/a", .incomplete(.ioError)), file("/srv/b", .incomplete(.changed)), finished())
        #expect(try open().count == 2)
    }

    @Test func `where it is not certain nothing is gone`() throws {
        found("/srv/a/x")
        session(resumed(), interrupted)
        #expect(try open() == ["/srv/a/x"])
        session(resumed(["/srv/b"]), finished())
        #expect(try open() == ["/srv/a/x"])
        session(resumed([]), finished())
        #expect(try open() == ["/srv/a/x"])
        session(resumed(), finished(.partial(because: "the disk hangs")))
        #expect(try open() == ["/srv/a/x"])
        session(finished())
        #expect(try open() == ["/srv/a/x"])
        session(resumed(), finished())
        #expect(try open() == [])
    }
}
