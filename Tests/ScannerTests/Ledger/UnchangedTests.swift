import Glibc
import Journal
import Scanner
import SystemPackage
import TestSupport
import Testing

@Suite("What was clean and is the same is not looked at again")
struct UnchangedTests {
    @Test("A second scan of an unchanged tree opens no file and starts no engine")
    func opensNothing() throws {
        let house = try LedgerHouse()
        try house.fill(40)
        try house.waitUntilSettled()
        func trace(_ name: String) throws -> (LedgerScan, opened: [String], programs: [String]) {
            let log = house.folder.path.appending(name).string
            let calls = "trace=open,openat,openat2,execve"
            let scan = try house.scan(under: ["strace", "-f", "-qq", "-s", "400", "-o", log, "-e", calls])
            let lines = try runProgram(["/bin/cat", log]).output.split(separator: "\n").map(String.init)
            return (
                scan, lines.filter { $0.contains("\"file-") },
                lines.filter { $0.contains("execve") && $0.contains("nodeguard-engine") }
            )
        }
        let first = try trace("first.trace")
        #expect(first.0.counts[.clean] == 40)
        #expect(first.opened.count >= 40 && first.programs.count == 1, "what the test looks for can be seen")
        let second = try trace("second.trace")
        #expect(second.0.counts[.unchanged] == 40 && second.0.counts.total == 40)
        #expect(second.opened.isEmpty && second.programs.isEmpty)
        #expect(second.0.status == 0)
        #expect(second.0.finished?.oldestVerified == first.0.finished?.oldestVerified)
        #expect(second.0.finished?.oldestVerified != nil)
    }

    @Test("Bytes that change while size and time are put back are noticed")
    func putBack() throws {
        let house = try LedgerHouse()
        try house.folder.write("tree/file", LedgerHouse.good)
        try house.waitUntilSettled()
        #expect(try house.scan().outcome("file") == .clean)
        #expect(try house.scan().outcome("file") == .unchanged)
        try house.shell(
            "touch -r file ../times; printf '%s\\n' \"$1\" > file; touch -r ../times file",
            String(LedgerHouse.bad.dropLast()))
        #expect(try house.scan().outcome("file")?.kind == .infected)
    }

    @Test("Another inode under the same name is another file, a renamed folder the same files")
    func replaced() throws {
        let house = try LedgerHouse()
        try house.fill(14)
        try house.folder.write("tree/file", LedgerHouse.good)
        try house.waitUntilSettled()
        #expect(try house.scan().counts[.clean] == 15)
        try house.shell(
            """
            mv d1 renamed
            touch -r file ../times; printf '%s\\n' "$1" > new; touch -r ../times new; mv new file
            """, String(LedgerHouse.bad.dropLast()))
        let second = try house.scan()
        #expect(second.outcome("file")?.kind == .infected)
        #expect(second.counts[.unchanged] == 14)
        #expect(second.files.contains { $0.path.string.contains("/renamed/") && $0.outcome == .unchanged })
    }

    @Test("A file that was changed a moment ago is not remembered")
    func tooFresh() throws {
        let house = try LedgerHouse()
        try house.folder.write("tree/file", LedgerHouse.good)
        #expect(try house.scan().outcome("file") == .clean)
        #expect(try house.scan().outcome("file") == .clean)
    }

    @Test("--full looks at everything, and writes down what it saw")
    func full() throws {
        let house = try LedgerHouse()
        try house.fill(10)
        try house.waitUntilSettled()
        #expect(try house.scan().counts[.clean] == 10)
        #expect(try house.scan("--full").counts[.clean] == 10)
        #expect(try house.scan().counts[.unchanged] == 10)
    }

    @Test("Copies and hard links are looked at once, also copies that come later; a finding tells its hash")
    func sameBytes() throws {
        let house = try LedgerHouse()
        try house.folder.write("tree/one", LedgerHouse.good)
        try house.folder.write("tree/evil", LedgerHouse.bad)
        try house.shell("for i in $(seq 200); do cp one copy-$i; done; ln one link; cp evil evil-copy")
        try house.waitUntilSettled()
        let first = try house.scan()
        #expect(first.counts[.clean] == 201 && first.counts[.unchanged] == 1 && first.counts[.infected] == 2)
        let sum = try runProgram(["sha256sum", house.tree.appending("evil").string]).output.prefix(64)
        #expect(first.report("evil")?.sha256 == String(sum))
        #expect(first.report("evil-copy")?.sha256 == String(sum))
        try house.shell("rm evil evil-copy; cp one later")
        try house.waitUntilSettled()
        let second = try house.scan()
        #expect(second.outcome("later") == .clean && !second.startedEngine)
        #expect(second.counts[.unchanged] == 202)
    }
}

@Suite("New signatures reach old files")
struct NewSignaturesTests {
    @Test("What is no bulk data is looked at with new signatures at once")
    func atOnce() throws {
        let house = try LedgerHouse()
        try house.fill(10)
        try house.folder.write("tree/sleeper", "nobody knows yet that this is bad\n")
        try house.waitUntilSettled()
        #expect(try house.scan().counts[.clean] == 11)
        try house.writeSignature("second.ndb", named: "Test.Sleeper", for: "nobody knows yet")
        let second = try house.scan()
        #expect(second.outcome("sleeper")?.kind == .infected)
        #expect(second.counts[.clean] == 10)
    }

    @Test("Bulk data has its turn, and a new file of it is looked at")
    func bulk() throws {
        let house = try LedgerHouse()
        try house.fill(5)
        for number in 0..<20 { try house.folder.write("tree/chain/\(number).sst", "table \(number)\n") }
        try house.waitUntilSettled()
        let immutable = { (order: inout SessionOrder) in order.validatorFiles.immutableChainData = ["*.sst"] }
        #expect(try house.session(immutable).counts[.clean] == 25)
        try house.writeSignature("second.ndb", named: "Test.Other", for: "nobody has these bytes")
        try house.folder.write("tree/chain/new.sst", "table new\n")
        let second = try house.session(immutable)
        #expect(second.outcome("new.sst") == .clean)
        let looked = second.files.filter { $0.outcome == .clean }.map { $0.path.lastComponent?.string ?? "" }
        #expect(looked.filter { $0.hasPrefix("file-") }.count == 5)
        // Seconds after the last scan: the smallest share there is.
        #expect(looked.filter { $0.hasSuffix(".sst") && $0 != "new.sst" }.count <= 1)
        #expect(second.counts[.unchanged] >= 19)
    }

    @Test("Signatures that cannot be used are an error, also where nothing would be due")
    func broken() throws {
        let house = try LedgerHouse()
        try house.fill(3)
        try house.waitUntilSettled()
        #expect(try house.scan().status == 0)
        try house.shell("mv ../signatures/first.ndb ../first; echo garbage > ../signatures/first.ndb")
        #expect(try house.scan().status == 2)
        try house.shell("rm ../signatures/first.ndb")
        #expect(try house.scan().status == 2)
        try house.shell("mv ../first ../signatures/first.ndb; chmod o+w ../signatures/first.ndb")
        #expect(try house.scan().status == 2)
        try house.shell("chmod o-w ../signatures/first.ndb")
        #expect(try house.scan().status == 0)
    }

    /// A page that waits to be written to the disk takes more writes through a map, and the times stay as they are.
    @Test("What a program writes through a memory map after the look is found by the next scan")
    func memoryMap() throws {
        let house = try LedgerHouse()
        try house.folder.write("tree/mapped", LedgerHouse.good)
        try house.waitUntilSettled()
        let program = """
            import mmap, sys
            file = open("mapped", "r+b")
            map = mmap.mmap(file.fileno(), 0)
            map[0:1] = map[0:1]
            open("../written", "w").close()
            open("../go").read()
            map[:] = sys.argv[1].encode()
            open("../done", "w").close()
            """
        try house.shell(
            """
            mkfifo ../written ../go ../done
            setsid timeout 300 python3 -c "$1" "$2" </dev/null >/dev/null 2>&1 &
            read line < ../written || true
            """, program, LedgerHouse.bad)
        // Older than two seconds, and still not on the disk, unless somebody has had everything written.
        try house.waitUntilOld()
        #expect(try house.scan().outcome("mapped") == .clean)
        try house.shell("echo > ../go; read line < ../done || true")
        #expect(try house.scan().outcome("mapped")?.kind == .infected)
    }
}
