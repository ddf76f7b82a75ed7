import Journal
import SystemPackage
import TestSupport
import Testing

@testable import Agent

private func header(
    _ built: String = "17 Sep 2024 04-54 -0400", version: String = "27401", seconds: String? = "1726563240"
) -> String {
    let text =
        "ClamAV-VDB:\(built):\(version):2067000:90:8547d965282ba55e10ef06e0be88c064:S63f9catgbTKqtsXkl7rrwmiAJ:raynman"
        + (seconds.map { ":" + $0 } ?? "")
    return text + String(repeating: " ", count: max(0, 512 - text.utf8.count))
}

@Suite("Which signature databases there are")
struct SignaturesTests {
    @Test func `the header's date is read in every form there is`() {
        let built = utc(9, 17, 8, 54, year: 2024)
        for text in [
            header(), header(seconds: nil), header(seconds: "0"), header(seconds: ""),
            header("17 Sep 2024 08-54 +0000", seconds: nil), header("17 Sep 2024 14-24 +0530", seconds: nil),
            header("17 Sep 2024 08-54 GMT", seconds: nil),
            header("17 Sep 2024 08:54 UTC".replacing(":", "-"), seconds: nil),
        ] {
            #expect(DatabaseHeader(Array(text.utf8))?.built == built, "\(text.prefix(60))")
        }
        #expect(DatabaseHeader(Array(header().utf8))?.version == 27401)
        #expect(DatabaseHeader(Array(header().utf8))?.signatures == 2_067_000)
        #expect(DatabaseHeader(Array(header("29 Feb 2024", seconds: nil).utf8))?.built == utc(2, 29, 0, year: 2024))
    }

    @Test func `a damaged header says nothing`() {
        for text in [
            "", "ClamAV-VDB:", String(header().prefix(511)), header("never", seconds: nil), header(version: "x"),
            header(version: "-1"), "ClamAV-Diff" + header().dropFirst(10),
            header("31 Foo 2024 04-54 -0400", seconds: nil), header("17 Sep 2024 99-99 +0000", seconds: nil),
            header("17 Sep 99999999999999999 00-00 +0000", seconds: nil), header(seconds: "99999999999999999999x"),
            String(repeating: ":", count: 512), String(repeating: "\0", count: 512),
        ] where text != header(seconds: "99999999999999999999x") {
            #expect(DatabaseHeader(Array(text.utf8)) == nil, "\(text.prefix(60))")
        }
        #expect(DatabaseHeader([UInt8](repeating: 0xff, count: 512)) == nil)
    }

    @Test func `a database that sigtool made`() throws {
        let folder = try TemporaryFolder()
        try folder.write("daily.ndb", "Test.Signature:0:*:deadbeefcafe\n")
        try folder.write("COPYING", "")
        try folder.write("none/x", "")
        let made = try runProgram(
            ["sigtool", "--build=daily.cud", "--unsigned", "--cvd-version=42", "--datadir=none"],
            environment: ["PATH": "/usr/bin:/bin", "SIGNDUSER": "tester"], in: folder.path)
        try #require(made.status == 0, "\(made.errors)")
        let found = try SignatureDatabases(reading: folder.path)
        let daily = try #require(found["daily"])
        #expect(daily.file == "daily.cud")
        #expect(daily.version == 42)
        let age = try #require(daily.built).duration(to: .now())
        #expect(age >= .zero && age < .seconds(600))
        #expect(found.missing == ["main", "bytecode"])
        // daily.info, which sigtool leaves, and the loose file are databases to libclamav as well.
        #expect(found.databases.map(\.file) == ["daily.cud", "daily.info", "daily.ndb"])
    }

    @Test func `the newest of two is the one that counts, loose files are as old as they are`() throws {
        let folder = try TemporaryFolder()
        try folder.write("daily.cvd", header("17 Sep 2024 04-54 -0400", version: "1", seconds: nil))
        try folder.write("daily.cld", header("18 Sep 2024 04-54 -0400", version: "2", seconds: nil))
        try folder.write("main.cvd", header())
        try folder.write("bytecode.cvd", header())
        try folder.write("own.yar", "rule x { condition: false }")
        try folder.write("freshclam.dat", "no database")
        let found = try SignatureDatabases(reading: folder.path)
        #expect(found["daily"]?.version == 2)
        #expect(found.missing.isEmpty)
        #expect(found.problems.isEmpty && found.notes.isEmpty)
        #expect(found.databases.map(\.name) == ["bytecode", "daily", "daily", "main", "own"])
        #expect(found.databases.last?.version == nil)
        #expect(found.databases.last?.built != nil)
    }

    @Test func `what could blind the scan is told`() throws {
        let folder = try TemporaryFolder()
        try folder.write("daily.cvd", header(), permissions: FilePermissions(rawValue: 0o666))
        try folder.write("main.cvd", "cut", permissions: FilePermissions(rawValue: 0o600))
        try folder.write("local.ign2", "X")
        try folder.write("white.fp", "X")
        let link = folder.path.appending("bytecode.cld")
        let script = "ln -s /nonexistent bytecode.cld && mkfifo -m 644 own.cvd && chmod 777 ."
        try #require(runProgram(["sh", "-c", script], in: folder.path).status == 0)
        let found = try SignatureDatabases(reading: folder.path)
        #expect(found.notes.count == 2)
        for part in [
            "everybody may write to \(folder.path)", "everybody may write to \(folder.path)/daily.cvd",
            "may not read \(folder.path)/main.cvd", "the header of \(folder.path)/main.cvd",
            "the header of \(link)", "the header of \(folder.path)/own.cvd",
        ] {
            #expect(found.problems.contains { $0.contains(part) }, "\(part)")
        }
        #expect(found["main"]?.built == nil)
        #expect(throws: SignatureDatabases.Unreadable.self) {
            try SignatureDatabases(reading: folder.path.appending("nowhere"))
        }
        #expect(throws: SignatureDatabases.Unreadable.self) {
            try SignatureDatabases.fingerprint(of: folder.path.appending("daily.cvd"))
        }
    }

    @Test func `a new, a changed and a deleted database change the fingerprint, other files do not`() throws {
        let folder = try TemporaryFolder()
        try folder.write("daily.cvd", header())
        var last = try SignatureDatabases(reading: folder.path).fingerprint
        #expect(try SignatureDatabases.fingerprint(of: folder.path) == last)
        for change in ["cp daily.cvd main.cvd", "cp daily.cvd x && mv x daily.cvd", "rm main.cvd", "rm daily.cvd"] {
            try #require(runProgram(["sh", "-c", change], in: folder.path).status == 0)
            let now = try SignatureDatabases.fingerprint(of: folder.path)
            #expect(now != last, "\(change)")
            last = now
        }
        try folder.write("freshclam.dat", "x")
        try folder.write("tmp.123/daily.cvd", header())
        #expect(try SignatureDatabases.fingerprint(of: folder.path) == last)
    }

    @Test func `old signatures are told once a day, and anew when they were renewed between`() throws {
        let folder = try TemporaryFolder()
        // Older than daily by years, as everywhere.
        try folder.write("main.cvd", header("17 Sep 2021 04-54 -0400", seconds: nil))
        try folder.write("daily.cvd", header())
        let databases = try SignatureDatabases(reading: folder.path)
        let built = try #require(databases["daily"]?.built)
        var stale = StaleSignatures()
        var told: [Int] = []
        for hour in 0..<200 {
            for _ in 0..<3 where !stale.look(databases, now: built.advanced(by: .seconds(hour * 3600))).isEmpty {
                told.append(hour)
            }
        }
        #expect(told == [73, 97, 121, 145, 169, 193])
        #expect(stale.look(databases, now: built).isEmpty)
        let again = stale.look(databases, now: built.advanced(by: .seconds(100 * 3600)))
        #expect(again.map(\.database) == ["daily"])
        #expect(again.map(\.ageSeconds) == [360_000])
    }
}

extension String {
    fileprivate func replacing(_ one: Character, _ other: String) -> String {
        split(separator: one, omittingEmptySubsequences: false).joined(separator: other)
    }
}
