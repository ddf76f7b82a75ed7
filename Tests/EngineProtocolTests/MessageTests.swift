import EngineProtocol
import TestSupport
import Testing

/// What the session and its engine say to each other: what goes in comes out, and bad bytes are refused.
@Suite struct MessageTests {
    static let commands: [EngineCommand] = [
        .load(
            LoadRequest(
                signatures: Array("/var/lib/clamav".utf8), scratch: [0xff, 0x0a], workers: 3,
                limits: EngineLimits(fileBytes: 1, contentBytes: .max, recursion: 17, members: 5, milliseconds: 9),
                canary: [1, 2, 3])),
        .kill(worker: -1), .kill(worker: 4_000_000),
    ]
    static let messages: [EngineMessage] = [
        .loaded(
            SignatureInventory(
                signatures: 8_700_000, engineVersion: "1.4.6",
                databases: [
                    .init(name: "daily.cvd", version: 27_724, built: 1_754_554_800),
                    .init(name: "", version: 0, built: -1),
                ],
                notes: ["stray.fp takes files out", "ünïcode"])),
        .loaded(SignatureInventory(signatures: 0, engineVersion: "", databases: [], notes: [])),
        .failed("no signatures"), .worker(id: 7), .workerEnded(id: 7, status: -9),
    ]
    static let answers: [ScanAnswer] =
        [
            ScanAnswer(id: 0, verdict: .clean),
            ScanAnswer(id: .max, verdict: .infected(first: "A", others: ["B", "C"])),
            ScanAnswer(id: 5, verdict: .infected(first: "")),
        ] + Verdict.Reason.allCases.map { ScanAnswer(id: 6, verdict: .incomplete($0, "why")) }

    @Test(arguments: commands) func aCommandComesOutAsItWentIn(_ command: EngineCommand) throws {
        #expect(try EngineCommand(command.encoded()) == command)
    }

    @Test(arguments: messages) func aMessageComesOutAsItWentIn(_ message: EngineMessage) throws {
        #expect(try EngineMessage(message.encoded()) == message)
    }

    @Test(arguments: answers) func anAnswerComesOutAsItWentIn(_ answer: ScanAnswer) throws {
        #expect(try ScanAnswer(answer.encoded()) == answer)
    }

    @Test func aRequestComesOutAsItWentIn() throws {
        #expect(try ScanRequest(ScanRequest(id: 0x0102_0304_0506_0708).encoded()).id == 0x0102_0304_0506_0708)
    }

    /// An archive can hold thousands of infected members with names of any length; the message must fit its socket.
    @Test func anAnswerHasALongestForm() throws {
        let long = String(repeating: "ä", count: 10_000)
        let answer = ScanAnswer(id: 1, verdict: .infected(first: long, others: Array(repeating: long, count: 1000)))
        #expect(answer.encoded().count <= 65_536)
        guard case .infected(let first, let others) = try ScanAnswer(answer.encoded()).verdict else {
            Issue.record("not infected any more")
            return
        }
        #expect(first.hasPrefix("ää"))
        #expect(others.count == Verdict.mostSignatures - 1)
        let detail = ScanAnswer(id: 1, verdict: .incomplete(.limit, long))
        #expect(detail.encoded().count <= 65_536)
    }

    @Test func anInventoryHasALongestForm() throws {
        let database = SignatureInventory.Database(name: String(repeating: "x", count: 1000), version: 1, built: 1)
        let inventory = SignatureInventory(
            signatures: 1, engineVersion: "1", databases: Array(repeating: database, count: 1000),
            notes: Array(repeating: String(repeating: "n", count: 5000), count: 100))
        let bytes = EngineMessage.loaded(inventory).encoded()
        #expect(bytes.count <= 65_536)
        #expect(throws: Never.self) { try EngineMessage(bytes) }
    }

    @Test func everyTruncationIsRefused() {
        for bytes in Self.commands.map({ $0.encoded() }) {
            for length in 0..<bytes.count {
                #expect(throws: MalformedMessage.self) { try EngineCommand(Array(bytes.prefix(length))) }
            }
        }
        for bytes in Self.messages.map({ $0.encoded() }) {
            for length in 0..<bytes.count {
                #expect(throws: MalformedMessage.self) { try EngineMessage(Array(bytes.prefix(length))) }
            }
        }
        for bytes in Self.answers.map({ $0.encoded() }) {
            for length in 0..<bytes.count {
                #expect(throws: MalformedMessage.self) { try ScanAnswer(Array(bytes.prefix(length))) }
            }
        }
    }

    @Test func whatIsTooMuchIsRefused() {
        #expect(throws: MalformedMessage.self) { try EngineCommand(Self.commands[0].encoded() + [0]) }
        #expect(throws: MalformedMessage.self) { try EngineMessage(Self.messages[0].encoded() + [0]) }
        #expect(throws: MalformedMessage.self) { try ScanAnswer(Self.answers[0].encoded() + [0]) }
        #expect(throws: MalformedMessage.self) { try ScanRequest(ScanRequest(id: 1).encoded() + [0]) }
        #expect(throws: MalformedMessage.self) { try ScanAnswer([0, 0, 0, 0, 0, 0, 0, 0, 9]) }
        // Infected by nothing, and a length far beyond the message.
        #expect(throws: MalformedMessage.self) { try ScanAnswer([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]) }
        #expect(throws: MalformedMessage.self) { try EngineMessage([2, 0xff, 0xff, 0xff, 0xff]) }
    }

    /// Workers parse hostile files and may say anything: whatever it is, it is understood or refused.
    @Test(arguments: 0..<8 as Range<UInt64>) func changedBytesNeverTrap(_ seed: UInt64) {
        var generator = Seeded(state: seed)
        let seeds =
            Self.commands.map { $0.encoded() } + Self.messages.map { $0.encoded() } + Self.answers.map { $0.encoded() }
        for _ in 0..<4000 {
            var bytes = seeds.randomElement(using: &generator)!
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0...bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0 where place < bytes.count: bytes[place] = UInt8.random(in: 0 ... .max, using: &generator)
                case 1 where place < bytes.count: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0 ... .max, using: &generator), at: place)
                }
            }
            // What is understood can be said again, and then means the same.
            if let command = try? EngineCommand(bytes) { #expect((try? EngineCommand(command.encoded())) == command) }
            if let answer = try? ScanAnswer(bytes) { #expect((try? ScanAnswer(answer.encoded()))?.id == answer.id) }
            _ = try? EngineMessage(bytes)
            _ = try? ScanRequest(bytes)
        }
    }
}
