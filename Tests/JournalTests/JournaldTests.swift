import Foundation
import Glibc
import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// Needs root: a systemd-journald is started in mount and process namespaces of its own, with an empty /run.
@Suite("Events in a real journal")
struct JournaldTests {
    @Test("Every journaled event arrives with every field, byte for byte")
    func everyField() throws {
        let events = (fullEvents + minimalEvents).filter { $0.journalEntry != nil }
        let run = try inJournal(
            """
            "$probe" send 100 <"$folder/events"
            journalctl --sync
            journalctl -t nodeguard -o export >"$folder/export"
            """, events: events)
        #expect(run.output.contains("sent \(events.count)\n"), "\(run.output)\(run.errors)")

        let entries = try exported(run.files["export"] ?? [])
        #expect(entries.count == events.count)
        for (event, entry) in zip(events, entries) {
            let expected = try #require(event.journalEntry).map { Field(name: $0.name.rawValue, value: $0.value) }
            // What journald adds begins with an underscore, except for the names of syslog that we do not send.
            let ours = entry.filter { !$0.name.hasPrefix("_") }
            // journald keeps one of several equal fields.
            #expect(Set(ours) == Set(expected), "\(event.kind.name.rawValue)")
            #expect(ours.contains(Field(name: "SYSLOG_IDENTIFIER", value: Array("nodeguard".utf8))))
        }
    }

    @Test(
        "A program that reads the journal as JSON gets the bytes of a path, and finds a file by any of its signatures")
    func asJSON() throws {
        let report = FileReport(
            path: oddPath, outcome: .infected(first: "First.Match", others: ["Second.Match"]), size: 1,
            target: "system", scanID: scanID)
        let run = try inJournal(
            """
            "$probe" send 100 <"$folder/events"
            journalctl --sync
            journalctl NODEGUARD_SIGNATURE=Second.Match -o json >"$folder/json"
            """, events: minimalEvents + [.file(report)])
        let entry = try #require(
            try JSONSerialization.jsonObject(with: Data(run.files["json"] ?? [])) as? [String: Any], "\(run.errors)")
        #expect(entry["NODEGUARD_PATH"] as? [Int] == oddPath.bytes.map(Int.init))
        #expect(entry["NODEGUARD_SIGNATURE"] as? [String] == ["First.Match", "Second.Match"])
        #expect(entry["NODEGUARD_EVENT"] as? String == "file.infected")
        #expect(entry["NODEGUARD_OUTCOME"] as? String == "infected")
        #expect(entry["NODEGUARD_SCAN_ID"] as? String == scanID.description)
        #expect(entry["PRIORITY"] as? String == "2")
        #expect(entry["MESSAGE"] as? String == "Found First.Match and 1 more in \(printable(oddPath)).")
    }

    @Test("journalctl -x explains every event and sends nothing to the terminal that could steer it")
    func explained() throws {
        let run = try inJournal(
            """
            mkdir /run/catalog
            cp "\(repositoryFile("packaging/deb/nodeguard.catalog"))" /run/catalog/nodeguard.catalog
            mount --bind /run/catalog /usr/lib/systemd/catalog
            mount -t tmpfs tmpfs /var/lib/systemd/catalog
            journalctl --update-catalog
            "$probe" send 100 <"$folder/events"
            journalctl --sync
            journalctl -x -t nodeguard --no-pager >"$folder/text"
            """, events: fullEvents + minimalEvents)
        let text = run.files["text"] ?? []
        #expect(text.allSatisfy { $0 >= 32 && $0 != 127 || $0 == UInt8(ascii: "\n") })
        let subjects = String(decoding: text, as: UTF8.self).split(separator: "\n").filter { $0.contains("Subject: ") }
        #expect(subjects.count == (fullEvents + minimalEvents).count { $0.journalEntry != nil }, "\(run.errors)")
        // A field that an entry lacks appears by its name; the commands in the texts use these two.
        let commands = ["NODEGUARD_SCAN_ID=", "NODEGUARD_EVENT="]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where line.contains("NODEGUARD_") {
            #expect(commands.contains { line.contains($0) }, "\(line)")
        }
    }

    @Test("An event too large for a datagram arrives whole")
    func largeEvent() throws {
        let path = FilePath(bytes: (0..<2000).flatMap { _ in [0x2F] + [UInt8](repeating: 0xFE, count: 255) })
        let report = FileReport(
            path: path, outcome: .incomplete(.ioError), size: nil, target: nil, scanID: scanID)
        let run = try inJournal(
            """
            "$probe" send 100 <"$folder/events"
            journalctl --sync
            journalctl -t nodeguard -o export >"$folder/export"
            """, events: [.file(report)])
        let entry = try #require(try exported(run.files["export"] ?? []).first, "\(run.output)\(run.errors)")
        #expect(entry.contains(Field(name: "NODEGUARD_PATH", value: path.bytes)))
    }

    @Test("Where there is no journal, or a dead one, that is said and nothing is claimed to be sent")
    func absentJournal() throws {
        let before = try inNamespace(#""$probe" send 100 <"$folder/events""#, events: minimalEvents)
        #expect(before.status == 3)
        #expect(before.output.contains("cannot connect to /run/systemd/journal/socket: No such file or directory"))
        #expect(before.output.contains("sent 0\n"))

        let dead = try inJournal(
            """
            kill -KILL "$journald"
            wait "$journald" || true
            "$probe" send 100 <"$folder/events"
            """, events: minimalEvents)
        #expect(dead.status == 3)
        #expect(dead.output.contains("Connection refused") && dead.output.contains("sent 0\n"), "\(dead.output)")
    }

    @Test("A journal that does not read holds nobody up, and loses nothing that it was said to have taken")
    func stuckJournal() throws {
        let run = try inJournal(
            """
            kill -STOP "$journald"
            "$probe" send 0 <"$folder/events" || echo "ended with $?"
            kill -CONT "$journald"
            journalctl --sync
            journalctl -t nodeguard -o export >"$folder/export"
            """, events: (0..<3000).map { .gateOpened(GateOpened(reason: "number \($0)", mode: .enforce)) })
        #expect(run.output.contains("systemd-journald does not read its entries"), "\(run.output)\(run.errors)")
        #expect(run.output.contains("ended with 4\n"))
        let arrived = try exported(run.files["export"] ?? []).count
        #expect(arrived > 0)
        #expect(run.output.contains("sent \(arrived)\n"), "arrived \(arrived), \(run.output)")
    }
}

private struct Run {
    let status: Int32?
    let output: String
    let errors: String
    let files: [String: [UInt8]]
}

/// Runs a shell script beside a journald of its own that takes entries.
private func inJournal(_ script: String, events: [Event]) throws -> Run {
    try inNamespace(
        """
        mkdir -p /run/systemd/journald.conf.d
        cat >/run/systemd/journald.conf.d/test.conf <<END
        [Journal]
        Storage=volatile
        ReadKMsg=no
        Audit=no
        RateLimitBurst=0
        ForwardToSyslog=no
        ForwardToConsole=no
        ForwardToWall=no
        END
        /lib/systemd/systemd-journald &
        journald=$!
        tries=0
        until "$probe" check >/dev/null; do
            tries=$((tries + 1))
            if [ $tries -gt 600 ]; then echo "journald does not come up"; exit 99; fi
            sleep 0.05
        done
        \(script)
        """, events: events)
}

/// Runs a shell script with an empty /run and /var/log; whatever it starts ends with it.
private func inNamespace(_ script: String, events: [Event]) throws -> Run {
    try #require(geteuid() == 0, "this test needs root, for namespaces and mounts")
    return try withScratchFolder { folder in
        let lines = try events.flatMap { try $0.jsonLine() }
        try write(String(decoding: lines, as: UTF8.self), to: folder.appending("events"))
        let prelude = """
            set -eu
            probe=$1 folder=$2
            mount -t tmpfs tmpfs /run
            mount -t tmpfs tmpfs /var/log

            """
        let result = try runProgram([
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", prelude + script,
            "bash", try builtProgram("journal-probe"), folder.string,
        ])
        var files: [String: [UInt8]] = [:]
        for name in try namesIn(folder) where name != Array("events".utf8) {
            let name = String(decoding: name, as: UTF8.self)
            files[name] = try read(folder.appending(name))
        }
        return Run(status: result.status, output: result.output, errors: result.errors, files: files)
    }
}

private struct Field: Hashable {
    let name: String
    let value: [UInt8]
}

private struct BrokenExport: Error {}

/// Reads the journal's export format, https://systemd.io/JOURNAL_EXPORT_FORMATS: `NAME=text\n`, or for bytes that are no
/// text `NAME\n`, their number as 64 bits little-endian, the bytes, `\n`; an empty line ends an entry.
private func exported(_ bytes: [UInt8]) throws -> [[Field]] {
    var entries: [[Field]] = []
    var entry: [Field] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        let line = rest[..<end]
        rest = rest[(end + 1)...]
        if line.isEmpty {
            entries.append(entry)
            entry = []
        } else if let equals = line.firstIndex(of: UInt8(ascii: "=")) {
            entry.append(
                Field(name: String(decoding: line[..<equals], as: UTF8.self), value: Array(line[(equals + 1)...])))
        } else {
            guard rest.count >= 8 else { throw BrokenExport() }
            let length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(8)
            guard rest.count > length else { throw BrokenExport() }
            entry.append(Field(name: String(decoding: line, as: UTF8.self), value: Array(rest.prefix(length))))
            rest = rest.dropFirst(length + 1)
        }
    }
    guard rest.isEmpty, entry.isEmpty else { throw BrokenExport() }
    return entries
}
