import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite("Events as JSON Lines")
struct EventLineTests {
    @Test("What was written is read back as it was, every event", arguments: fullEvents + minimalEvents)
    func inverse(event: Event) throws {
        let line = try event.jsonLine()
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(line.dropLast().allSatisfy { $0 >= 32 })
        #expect(String(validating: line, as: UTF8.self) != nil)
        #expect(try Event(jsonLine: line.dropLast()) == event)
    }

    @Test("A finding has this form")
    func findingForm() throws {
        let event = Event.file(
            FileReport(
                path: "/srv/a b/ü", outcome: .infected(first: "Eicar", others: ["Second"]), size: 68, target: "system",
                scanID: scanID))
        #expect(
            try text(event) == """
                {"event":"file.infected","outcome":"infected","path":"/srv/a b/ü",\
                "scanID":"0123456789abcdef0123456789abcdef","schema":1,"signature":"Eicar",\
                "signatures":["Eicar","Second"],"size":68,"target":"system"}

                """)
    }

    @Test("A path that is not plain text has its escaped form for people and its bytes for programs")
    func oddPathForm() throws {
        let event = Event.file(
            FileReport(
                path: FilePath(bytes: [0x2F, 0x0A, 0xFF]), outcome: .skipped(.special), size: nil, target: nil,
                scanID: scanID))
        #expect(
            try text(event) == #"""
                {"event":"file.skipped","outcome":"skipped","path":"/\\n\\xff","pathBase64":"Lwr/","reason":"special",\#
                "scanID":"0123456789abcdef0123456789abcdef","schema":1}

                """#)
    }

    @Test("A summary has this form")
    func summaryForm() throws {
        var counts = OutcomeCounts()
        counts.add(.clean, 2)
        counts.add(.incomplete(.limit))
        counts.add(.skipped(.keyFile), 3)
        let event = Event.summary(
            ScanSummary(
                targets: ["system"],
                totals: ScanTotals(
                    counts: counts, bytes: 4096, durationMicroseconds: 1500, findings: 0, completeness: .complete)))
        #expect(
            try text(event) == """
                {"bytes":4096,"complete":true,"counts":{"clean":2,"files":6,"incomplete":1,\
                "incompleteReasons":{"limit":1},"infected":0,"skipped":3,"skippedReasons":{"key_file":3},\
                "unchanged":0},"durationMicroseconds":1500,"event":"summary","findings":0,"schema":1,\
                "targets":["system"]}

                """)
    }

    @Test("A reader leaves keys alone that it does not know: a newer writer may add some")
    func unknownKeys() throws {
        let line = #"{"schema":1,"event":"agent.stopped","reason":"requested","later":{"a":[1]}}"#
        #expect(try Event(jsonLine: line.utf8) == .agentStopped(AgentStopped(reason: .requested)))
    }

    static let hostile: [Hostile] = [
        Hostile("empty", ""),
        Hostile("no JSON", "hello"),
        Hostile("an array", "[]"),
        Hostile("cut short", #"{"schema":1,"event":"agent.st"#),
        Hostile("two documents", #"{"schema":1,"event":"agent.stopped","reason":"requested"}{}"#),
        Hostile("no schema", #"{"event":"agent.stopped","reason":"requested"}"#),
        Hostile("another schema", #"{"schema":2,"event":"agent.stopped","reason":"requested"}"#),
        Hostile("unknown event", #"{"schema":1,"event":"agent.exploded"}"#),
        Hostile("payload missing", #"{"schema":1,"event":"agent.stopped"}"#),
        Hostile("wrong type", #"{"schema":1,"event":"agent.stopped","reason":1}"#),
        Hostile("unknown reason", #"{"schema":1,"event":"agent.stopped","reason":"bored"}"#),
        Hostile("deep nesting", String(repeating: "[", count: 100_000)),
        Hostile(
            "deep nesting in an unknown key",
            #"{"schema":1,"event":"agent.stopped","reason":"requested","x":"#
                + String(repeating: #"{"a":"#, count: 100_000)
        ),
        Hostile("a number out of range", file(#""outcome":"clean","path":"/a","size":18446744073709551616"#)),
        Hostile("a negative size", file(#""outcome":"clean","path":"/a","size":-1"#)),
        Hostile("a broken size", file(#""outcome":"clean","path":"/a","size":1.5"#)),
        Hostile(
            "a name that is not the outcome's",
            file(#""outcome":"skipped","reason":"special","path":"/a""#)
        ),
        Hostile("infected without signature", file(#""outcome":"infected","path":"/a""#, event: "file.infected")),
        Hostile(
            "another first signature",
            file(#""outcome":"infected","signature":"A","signatures":["B"],"path":"/a""#, event: "file.infected")
        ),
        Hostile(
            "no signatures",
            file(#""outcome":"infected","signature":"A","signatures":[],"path":"/a""#, event: "file.infected")
        ),
        Hostile("incomplete without reason", file(#""outcome":"incomplete","path":"/a""#, event: "file.incomplete")),
        Hostile(
            "a reason of the other outcome",
            file(#""outcome":"incomplete","reason":"key_file","path":"/a""#, event: "file.incomplete")
        ),
        Hostile("a path that is not printable", file(#""outcome":"clean","path":"/a\nb""#)),
        Hostile("a path with NUL", file(#""outcome":"clean","path":"/a\u0000b""#)),
        Hostile("bytes with NUL", file(#""outcome":"clean","path":"/a\\x00b","pathBase64":"L2EAYg==""#)),
        Hostile("no base64", file(#""outcome":"clean","path":"/a","pathBase64":"!""#)),
        Hostile("bytes of another path", file(#""outcome":"clean","path":"/a","pathBase64":"L2I=""#)),
        Hostile(
            "a scan without number", #"{"schema":1,"event":"file.clean","outcome":"clean","path":"/a","scanID":"1"}"#),
        Hostile("counts that do not add up", resumed(#""files":2,"clean":1"#)),
        Hostile("counts that run over", resumed(#""files":0,"clean":18446744073709551615,"unchanged":1"#)),
        Hostile("an unknown reason counted", resumed(#""files":0,"clean":0"#, reasons: #"{"bored":0}"#)),
        Hostile("reasons that do not add up", resumed(#""files":1,"clean":1"#, reasons: #"{"special":1}"#)),
        Hostile(
            "partial without reason",
            #"{"schema":1,"event":"summary","targets":[],"bytes":0,"durationMicroseconds":0,"findings":0,"#
                + #""complete":false,"counts":{"files":0,"clean":0,"unchanged":0,"infected":0,"incomplete":0,"#
                + #""skipped":0,"incompleteReasons":{},"skippedReasons":{}}}"#
        ),
    ]

    @Test("A line that is no event is an error, safe to print", arguments: hostile)
    func refused(hostile: Hostile) {
        expectMalformed(Array(hostile.line.utf8))
    }

    @Test("A line that is not UTF-8 is an error")
    func notText() throws {
        let line = try #require(fullEvents.last).jsonLine()
        for place in stride(from: 0, to: line.count - 1, by: 7) {
            var broken = Array(line.dropLast())
            broken[place] = 0xFF
            expectMalformed(broken)
        }
    }

    @Test("A line that was damaged is an error or another event, never the end of the process")
    func damaged() throws {
        // The same damage in every run: a test that fails must fail again.
        var random = Seeded(state: 1)
        let lines = try (fullEvents + minimalEvents).map { try $0.jsonLine().dropLast() }
        var refused = 0
        for round in 0..<4000 {
            var line = Array(lines[round % lines.count])
            for _ in 0...Int(random.next() % 3) {
                let place = Int(random.next() % UInt64(line.count))
                switch random.next() % 3 {
                case 0: line[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: line.remove(at: place)
                default: line.insert(contentsOf: line[place...].prefix(Int(random.next() % 40)), at: place)
                }
            }
            do {
                // Whatever was read can be told on.
                _ = try Event(jsonLine: line).jsonLine()
            } catch {
                refused += 1
            }
        }
        #expect(refused > 1000)
    }

    @Test("A line over the limit is refused before it is looked at, and never written")
    func tooLong() {
        let long = [UInt8](repeating: UInt8(ascii: " "), count: Event.maximumLineLength + 1)
        #expect(throws: EventLineError.tooLong) { try Event(jsonLine: long) }
        let text = String(repeating: "x", count: Event.maximumLineLength)
        #expect(throws: EventLineError.tooLong) { try Event.configRejected(ConfigRejected(problem: text)).jsonLine() }
    }

    @Test("A path of a tree two thousand levels deep fits")
    func deepPath() throws {
        let path = FilePath(bytes: (0..<2000).flatMap { _ in [0x2F] + [UInt8](repeating: 0xFF, count: 255) })
        let event = Event.file(
            FileReport(path: path, outcome: .clean, size: 1, target: "system", scanID: scanID))
        #expect(try Event(jsonLine: event.jsonLine().dropLast()) == event)
    }

    @Test("However the bytes come, the events are the same", arguments: [1, 2, 7, 100, 100_000])
    func reader(piece: Int) throws {
        let events = fullEvents + minimalEvents
        let bytes = try events.flatMap { try $0.jsonLine() }
        var reader = EventLineReader()
        var read: [Event] = []
        for begin in stride(from: 0, to: bytes.count, by: piece) {
            reader.append(bytes[begin..<min(begin + piece, bytes.count)])
            while let event = try reader.next() { read.append(event) }
        }
        try reader.finish()
        #expect(read == events)
    }

    @Test("After a line that is no event the next one is read")
    func readerGoesOn() throws {
        let event = try #require(minimalEvents.first)
        var reader = EventLineReader()
        reader.append(Array("nonsense\n".utf8) + (try event.jsonLine()))
        #expect(throws: EventLineError.self) { try reader.next() }
        #expect(try reader.next() == event)
        #expect(try reader.next() == nil)
    }

    @Test("Output that ends in the middle of a line is told, not swallowed")
    func truncated() throws {
        var reader = EventLineReader()
        reader.append(Array("{\"schema\"".utf8))
        #expect(try reader.next() == nil)
        #expect(throws: EventLineError.truncated(bytes: 9)) { try reader.finish() }
    }

    @Test("A line without end is refused once it is over the limit")
    func endless() throws {
        var reader = EventLineReader()
        reader.append([UInt8](repeating: 0x20, count: Event.maximumLineLength))
        #expect(try reader.next() == nil)
        reader.append([0x20])
        #expect(throws: EventLineError.tooLong) { try reader.next() }
    }

    /// A line, and in a word what is wrong with it.
    struct Hostile: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let line: String

        init(_ why: String, _ line: String) {
            testDescription = why
            self.line = line
        }
    }

    private func text(_ event: Event) throws -> String {
        String(decoding: try event.jsonLine(), as: UTF8.self)
    }

    private func expectMalformed(_ line: [UInt8]) {
        do throws(EventLineError) {
            let event = try Event(jsonLine: line)
            Issue.record("read as \(event)")
        } catch {
            guard case .malformed(let why) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(!why.isEmpty && why.utf8.count < 1000)
            #expect(why.utf8.allSatisfy { $0 >= 32 && $0 != 127 })
        }
    }
}

private func file(_ rest: String, event: String = "file.clean") -> String {
    #"{"schema":1,"event":"\#(event)","scanID":"0123456789abcdef0123456789abcdef",\#(rest)}"#
}

private func resumed(_ counts: String, reasons: String = "{}") -> String {
    let defaults = ["unchanged", "infected", "incomplete", "skipped"].filter { !counts.contains($0) }
        .map { #","\#($0)":0"# }.joined()
    return #"{"schema":1,"event":"scan.resumed","scanID":"0123456789abcdef0123456789abcdef","counts":{"#
        + counts + defaults + #","incompleteReasons":{},"skippedReasons":\#(reasons)}}"#
}
