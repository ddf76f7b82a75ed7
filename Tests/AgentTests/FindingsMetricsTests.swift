import Journal
import Testing

@testable import Agent

@Suite("metrics of targets that are configured no more")
struct FindingsMetricsTests {
    @Test func `only their findings stay, and key files are those of the configured targets`() throws {
        let old = try #require(MetricLabel("old"))
        let kept = try #require(MetricLabel("kept"))
        let clean = try #require(MetricLabel("clean"))
        var snapshot = MetricsSnapshot(version: "1")
        for label in [old, kept, clean, ScanReporter.manualTarget] {
            var target = MetricsSnapshot.Target()
            target.lastBytes = 1
            target.findings = FindingsStore.none
            snapshot.targets[label] = target
        }
        snapshot.targets[old]?.findings[.open] = 2
        snapshot.targets[old]?.exposedKeyFiles = ["/a", "/b"]
        snapshot.targets[kept]?.exposedKeyFiles = ["/a"]
        snapshot.countKeyFiles()
        #expect(snapshot.keyFileProblems == 2)

        snapshot.retireTargets(except: ["kept"])
        #expect(snapshot.keyFileProblems == 1)
        #expect(snapshot.targets[clean] == nil)
        #expect(snapshot.targets[old]?.findings[.open] == 2)
        #expect(snapshot.targets[old]?.lastBytes == nil)
        #expect(snapshot.targets[kept]?.lastBytes == 1 && snapshot.targets[ScanReporter.manualTarget]?.lastBytes == 1)
        let once = snapshot
        snapshot.retireTargets(except: ["kept"])
        #expect(snapshot == once)
    }
}
