import ContentHash
import Glibc
import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Scanner

@Suite("A damaged ledger is noticed, set aside, and never believed")
struct DamageTests {
    @Test("A flipped byte: told, set aside, everything looked at again")
    func flipped() throws {
        let house = try LedgerHouse()
        try house.fill(10)
        try house.waitUntilSettled()
        #expect(try house.scan().counts[.clean] == 10)
        try house.shell("printf '\\377' | dd of=\"$1\" bs=1 seek=700 conv=notrunc status=none", house.ledger.string)
        let second = try house.scan()
        #expect(second.problems.map(\.problem) == [.damaged] && second.problems.first?.path == house.ledger)
        #expect(second.counts[.clean] == 10)
        #expect(try runProgram(["/bin/ls", "\(house.ledger).damaged"]).status == 0)
        let third = try house.scan()
        #expect(third.problems.isEmpty && third.counts[.unchanged] == 10)
    }

    @Test("A full disk: told, the scan is done all the same, and what was remembered is right")
    func fullDisk() throws {
        try #require(getuid() == 0, "needs root to mount a small tmpfs")
        let house = try LedgerHouse()
        try house.fill(600)
        try house.waitUntilSettled()
        try house.shell("mount -t tmpfs -o size=128k,mode=0700 tmpfs \"$1\"", house.state.string)
        defer { try? house.shell("umount \"$1\"", house.state.string) }
        try house.shell("mkdir \"$1/ledger\"; head -c 100000 /dev/zero > \"$1/ballast\"", house.state.string)
        let elsewhere = { (order: inout SessionOrder) in order.scratchParent = house.folder.path.appending("scratch") }
        let first = try house.session(elsewhere)
        #expect(first.problems.contains { $0.problem == .unwritable })
        #expect(first.counts[.clean] == 600 && first.counts.total == 600)
        try house.shell("rm \"$1/ballast\"; mount -o remount,size=8m \"$1\"", house.state.string)
        let second = try house.session(elsewhere)
        #expect(second.problems.isEmpty && second.counts.total == 600)
        #expect(try house.session(elsewhere).counts[.unchanged] == 600)
    }

    @Test(
        "Somebody else's file, a link, a folder in its place: not believed",
        arguments: ["chmod 666 files", "rm files; ln -s ../x files", "rm files; mkdir files", "chown 65534 files"])
    func strangers(change: String) throws {
        try #require(getuid() == 0, "needs root to give a file away")
        let house = try LedgerHouse()
        try house.fill(3)
        try house.waitUntilSettled()
        #expect(try house.scan().counts[.clean] == 3)
        try house.shell("cd \"$1/ledger\"; cp files ../x; \(change)", house.state.string)
        let second = try house.scan()
        #expect(second.problems.map(\.problem) == [.damaged] && second.counts[.clean] == 3)
        #expect(try house.scan().counts[.unchanged] == 3)
    }

    /// Files of a real tree, remembered by a ledger in a folder of the test's own.
    private struct Remembered {
        let folder: TemporaryFolder
        let files: [FileStatus]
        let identity: FileSystemIdentity
        static let context = LookContext(
            signatures: .init(of: [1]), engine: .init(of: [2]), options: .init(of: [3]))

        init(_ count: Int) throws {
            folder = try TemporaryFolder()
            var files: [FileStatus] = []
            for number in 0..<count {
                let path = try folder.write("tree/\(number)", "\(number)")
                files.append(try FileStatus.of(Opening.start(at: path)))
            }
            self.files = files
            // Where /tmp has no identity, any will do: the table is what is tried.
            identity = FileSystemIdentity(words: (1, 2, 3))
            let ledger = open()
            for file in files {
                let subject = try #require(ledger.subject(file, on: identity, isBulk: false, hasUnwritten: false))
                ledger.remember(subject, clean: Digest(of: Array("\(file.inode)".utf8)))
            }
            ledger.forget(files[0], on: identity)
            ledger.complete()
            ledger.close()
        }

        var path: FilePath { folder.path.appending("ledger/files") }

        func open() -> Ledger {
            let later = UnixTime(microseconds: UnixTime.now().microseconds + 10_000_000)
            let ledger = Ledger(state: folder.path, reverify: 30 * 86400) { later }
            _ = ledger.begin(key: "target test", name: "test", context: Self.context, isFull: false)
            return ledger
        }

        /// What is believed of the file now: how many are unchanged, and whether it was called damaged.
        func judge() -> (unchanged: Int, isDamaged: Bool) {
            let ledger = open()
            let unchanged = files.count {
                if case .unchanged = ledger.decision(for: $0, on: identity, isBulk: false) { true } else { false }
            }
            let first = ledger.decision(for: files[0], on: identity, isBulk: false)
            #expect(first == .due, "what was forgotten came back")
            return (unchanged, ledger.problems.contains { $0.problem == .damaged })
        }
    }

    private func read(_ path: FilePath) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
            return Array(bytes[..<count])
        }
    }

    private func write(_ bytes: [UInt8], _ path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll(bytes) }
    }

    @Test("Any byte changed, anywhere: nothing of the file is believed", arguments: [1, 2])
    func anyByte(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let remembered = try Remembered(60)
        let intact = try read(remembered.path)
        #expect(remembered.judge().unchanged == 59)
        for _ in 0..<250 {
            var bytes = intact
            let place = bytes.indices.randomElement(using: &random)!
            bytes[place] ^= UInt8.random(in: 1...255, using: &random)
            try write(bytes, remembered.path)
            let judged = remembered.judge()
            #expect(judged.isDamaged && judged.unchanged == 0, "byte \(place)")
        }
    }

    @Test("Cut anywhere: what is left is right, or nothing is believed")
    func cut() throws {
        var random = Seeded(state: 3)
        let remembered = try Remembered(60)
        let intact = try read(remembered.path)
        for _ in 0..<200 {
            let length = Int.random(in: 0..<intact.count, using: &random)
            // As a power cut leaves it: short, or as long as it was to be and nothing in it.
            let tail = Bool.random(using: &random) ? Int.random(in: 0...4096, using: &random) : 0
            try write(Array(intact[..<length]) + [UInt8](repeating: 0, count: tail), remembered.path)
            let judged = remembered.judge()
            #expect(judged.unchanged == 0 || judged.unchanged == 59 || judged.unchanged == 60 || !judged.isDamaged)
        }
    }

    @Test("Garbage, frames that are doubled or change places: not believed")
    func garbage() throws {
        var random = Seeded(state: 4)
        let remembered = try Remembered(60)
        let intact = try read(remembered.path)
        for _ in 0..<100 {
            var bytes = intact
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                bytes = (0..<Int.random(in: 1...5000, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            case 1:
                // A piece of the file once more, somewhere.
                let from = Int.random(in: 0..<intact.count - 100, using: &random)
                bytes.insert(
                    contentsOf: intact[from..<from + 100], at: Int.random(in: 0..<intact.count - 200, using: &random))
            default:
                let another = try Remembered(60)
                let other = try read(another.path)
                bytes = Array(intact[..<64]) + other[64...]
            }
            guard bytes != intact else { continue }
            try write(bytes, remembered.path)
            #expect(remembered.judge() == (0, true))
        }
    }
}
