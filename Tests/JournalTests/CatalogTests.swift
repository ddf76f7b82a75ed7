import Glibc
import Journal
import SystemPackage
import TestSupport
import Testing

@Suite("The message catalog")
struct CatalogTests {
    /// The entries of the file as it is shipped: their texts by their MESSAGE_ID.
    private let entries: [ID128: String]

    init() throws {
        var entries: [ID128: String] = [:]
        var current: ID128?
        let text = String(decoding: try read(repositoryFile("packaging/deb/nodeguard.catalog")), as: UTF8.self)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("-- ") {
                let id = try #require(ID128(String(line.dropFirst(3))), "\(line)")
                #expect(entries.updateValue("", forKey: id) == nil, "\(id) is explained twice")
                current = id
            } else if let current {
                entries[current, default: ""] += line + "\n"
            } else {
                #expect(line.isEmpty || line.hasPrefix("#"))
            }
        }
        self.entries = entries
    }

    @Test("It explains every event that is journaled, and nothing else")
    func complete() {
        #expect(Set(entries.keys) == Set(EventKind.all.compactMap(\.messageID)))
    }

    @Test("Every entry has a subject, a place to read on, and says something")
    func wellFormed() {
        for (id, entry) in entries {
            let parts = entry.split(separator: "\n\n", maxSplits: 1)
            #expect(parts.count == 2 && parts.last?.count ?? 0 > 40, "\(id)")
            let header = parts.first?.split(separator: "\n") ?? []
            #expect(header.map { $0.prefix { $0 != ":" } } == ["Subject", "Defined-By", "Documentation"], "\(id)")
            #expect(!entry.split(separator: "\n").contains { $0.count > 80 }, "\(id)")
        }
    }

    @Test("It puts in only fields that its event always has and that are safe on a terminal", arguments: minimalEvents)
    func substitutions(event: Event) throws {
        guard let fields = event.journalEntry, let id = event.kind.messageID else { return }
        let pieces = try #require(entries[id]).split(separator: "@", omittingEmptySubsequences: false)
        #expect(pieces.count % 2 == 1)
        for (number, name) in pieces.enumerated() where number % 2 == 1 {
            let field = try #require(JournalField.Name(rawValue: String(name)), "\(name)")
            #expect(field != .path && field != .restoredTo)
            // An override back to automatic and the other two share an entry; so do counts of every size.
            #expect(fields.contains { $0.name == field }, "\(event.kind.name.rawValue) can lack \(name)")
        }
    }

    @Test("systemd takes it in, every entry of it")
    func systemdReadsIt() throws {
        try withScratchFolder { folder in
            let catalogs = folder.appending("usr/lib/systemd/catalog")
            #expect(try runProgram(["mkdir", "-p", catalogs.string, "\(folder)/var/lib/systemd/catalog"]).status == 0)
            let file = repositoryFile("packaging/deb/nodeguard.catalog").string
            #expect(try runProgram(["cp", file, "\(catalogs)/nodeguard.catalog"]).status == 0)

            let update = try runProgram(["journalctl", "--update-catalog", "--root=\(folder)"])
            #expect(update.status == 0 && update.errors.isEmpty, "\(update.errors)")
            let list = try runProgram(["journalctl", "--list-catalog", "--root=\(folder)"])
            let listed = list.output.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1) }
            #expect(Set(listed.compactMap { ID128(String($0[0])) }) == Set(entries.keys))
            for line in listed {
                let id = try #require(ID128(String(line[0])))
                let subject = try #require(entries[id]).split(separator: "\n")[0]
                #expect(line[1] == "nodeguard: \(subject.dropFirst("Subject: ".count))")
            }
        }
    }
}
