import Journal
import Testing

@Suite("What the documentation says about events")
struct DocumentationTests {
    private let text: String

    init() throws {
        text = String(decoding: try read(repositoryFile("docs/events.md")), as: UTF8.self)
    }

    @Test("It names every event, and the journal column is true", arguments: EventName.allCases)
    func events(name: EventName) throws {
        let row = try #require(
            text.split(separator: "\n").first { $0.hasPrefix("| `") && $0.contains("`\(name.rawValue)`") })
        #expect(row.hasSuffix(name.kind.messageID == nil ? "| no | yes |" : "| yes | yes |"))
    }

    @Test("It names every field", arguments: JournalField.Name.allCases)
    func fields(name: JournalField.Name) {
        #expect(text.contains("`\(name.rawValue)`"))
    }

    @Test("Its examples are events")
    func examples() throws {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("{") }
        #expect(lines.count == 2)
        for line in lines { #expect(throws: Never.self) { try Event(jsonLine: line.utf8) } }
    }
}
