import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite("What an event declares")
struct EventTests {
    /// The events of the contract: what is journaled under exactly these names.
    static let journaled: Set<String> = [
        "scan.started", "scan.finished", "scan.interrupted", "scan.resumed", "file.infected", "file.incomplete",
        "file.quarantined", "file.restored", "key_file.exposed", "check.changed", "gate.opened", "gate.closed",
        "gate.override",
        "gate.tampered", "signatures.loaded", "signatures.stale", "config.reloaded", "config.rejected",
        "state.problem", "agent.started", "agent.stopped",
    ]

    @Test("The journaled events are those that are promised, each with a number of its own")
    func journaledEvents() {
        let journaled = EventKind.all.filter { $0.messageID != nil }
        #expect(Set(journaled.map(\.name.rawValue)) == Self.journaled)
        #expect(Set(journaled.map(\.messageID)).count == Self.journaled.count)
    }

    @Test("The samples of these tests leave no event out")
    func samplesAreComplete() {
        #expect(Set(fullEvents.map(\.kind.name)) == Set(EventName.allCases))
        #expect(Set(minimalEvents.map(\.kind.name)) == Set(EventName.allCases))
    }

    @Test("Only what is worth keeping is journaled, with the fields every entry has", arguments: fullEvents)
    func entry(of event: Event) {
        guard let entry = event.journalEntry else {
            #expect(!Self.journaled.contains(event.kind.name.rawValue))
            return
        }
        #expect(Self.journaled.contains(event.kind.name.rawValue))
        for name in [JournalField.Name.message, .messageID, .priority, .syslogIdentifier, .event] {
            #expect(entry.count { $0.name == name } == 1)
        }
    }

    @Test("No name or text from outside can forge a line, whatever it contains", arguments: fullEvents + minimalEvents)
    func messageIsOneLine(of event: Event) {
        let message = event.message.description
        #expect(!message.isEmpty)
        for character in message.unicodeScalars {
            #expect(character.value >= 32 && character.value != 127 && character.value != 0x202E)
        }
        for field in event.journalEntry ?? [] where field.name != .path && field.name != .restoredTo {
            #expect(field.value.allSatisfy { $0 >= 32 && $0 != 127 }, "\(field.name)")
        }
    }

    @Test("A very long path or text leaves a message that journalctl still shows, and keeps both of its ends")
    func longMessage() {
        let long = FilePath("/begin/" + String(repeating: "ü", count: 100_000) + "/end")
        let text = "begin" + String(repeating: "\u{1B}", count: 100_000) + "end"
        let events: [Event] = [
            .file(
                FileReport(
                    path: long, outcome: .incomplete(.ioError), size: nil, target: text, scanID: scanID, detail: text)),
            .gateTampered(GateTampered(what: text, program: text, pid: 1, answer: text)),
            .fileQuarantined(
                FileQuarantined(path: long, signature: text, quarantineID: text, target: text, scanID: scanID)),
        ]
        for event in events {
            let message = event.message.description
            #expect(message.utf8.count < 4096)
            #expect(message.contains("begin") && message.contains("end"))
        }
    }

    @Test("A finding is critical; a scan without one is not, but one that left something open needs attention")
    func urgency() {
        func finished(_ counts: OutcomeCounts, _ findings: UInt64, _ completeness: ScanTotals.Completeness) -> Priority
        {
            let totals = ScanTotals(
                counts: counts, bytes: 0, durationMicroseconds: 0, findings: findings, completeness: completeness)
            return Event.scanFinished(ScanFinished(scanID: scanID, target: nil, totals: totals)).priority
        }
        var open = OutcomeCounts()
        open.add(.incomplete(.limit))
        #expect(finished(counts, 1, .complete) == .critical)
        #expect(finished(open, 0, .complete) == .warning)
        #expect(finished(OutcomeCounts(), 0, .partial(because: "window")) == .warning)
        #expect(finished(OutcomeCounts(), 0, .complete) == .info)
    }
}

@Suite("Counting outcomes")
struct OutcomeCountsTests {
    @Test("Each file counts once, under its outcome and under its reason")
    func addsUp() {
        var counts = OutcomeCounts()
        for outcome in allOutcomes { counts.add(outcome) }
        #expect(counts.total == UInt64(allOutcomes.count))
        #expect(counts[.incomplete] == UInt64(Outcome.IncompleteReason.allCases.count))
        for outcome in allOutcomes { #expect(counts[exactly: outcome] == 1) }

        var twice = counts
        twice.add(counts)
        #expect(twice.total == 2 * counts.total)
        #expect(twice[exactly: .skipped(.keyFile)] == 2)
        #expect(twice.reasons(of: .skipped).map(\.files) == Outcome.SkipReason.allCases.map { _ in 2 })
    }

    @Test("The most frequent reason comes first")
    func reasonOrder() {
        var counts = OutcomeCounts()
        counts.add(.incomplete(.timeout), 2)
        counts.add(.incomplete(.limit), 7)
        counts.add(.incomplete(.changed), 2)
        #expect(counts.reasons(of: .incomplete).map(\.reason) == ["limit", "changed", "timeout"])
        #expect(counts.reasons(of: .clean).isEmpty)
    }

    @Test("Numbers that a broken process made up do not end this one")
    func saturates() {
        var counts = OutcomeCounts()
        counts.add(.clean, .max)
        counts.add(.clean, .max)
        counts.add(.skipped(.excluded), .max)
        #expect(counts[.clean] == .max)
        #expect(counts.total == .max)
    }
}

@Suite("Moments")
struct UnixTimeTests {
    @Test(
        "A moment is written as date(1) writes it",
        arguments: [
            0, -1, 951_782_399, 951_782_400, 951_868_800, 1_582_934_400, 1_785_120_000, 4_102_444_799, -2_208_988_800,
            253_402_300_799,
        ] as [Int64])
    func description(seconds: Int64) throws {
        let date = try runProgram(["date", "-u", "-d", "@\(seconds)", "+%Y-%m-%dT%H:%M:%SZ"])
        #expect(date.output == "\(UnixTime(seconds: seconds))\n")
    }

    @Test("A moment out of range becomes the nearest one in it, and is still printed")
    func extremes() {
        #expect(UnixTime(seconds: .max) == UnixTime(microseconds: .max))
        #expect(UnixTime(seconds: .min) == UnixTime(microseconds: .min))
        #expect("\(UnixTime(microseconds: .max))".hasSuffix("Z"))
        #expect("\(UnixTime(microseconds: .min))".hasSuffix("Z"))
    }
}
