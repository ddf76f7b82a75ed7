import Glibc
import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite("A disk that was mounted anew", .serialized)
struct RemountTests {
    /// Whether images can be mounted here: root, mkfs.ext4, and a kernel with loop devices.
    private func requireLoop(_ house: LedgerHouse) throws {
        try #require(getuid() == 0, "needs root to mount")
        let tried = try runProgram(["/bin/sh", "-c", "command -v mkfs.ext4 && losetup -f"])
        try #require(tried.status == 0, "needs mkfs.ext4 and loop devices: \(tried.errors)")
    }

    @Test(
        "Under another device number the same files are still known; a copy beside the original is not confused with it"
    )
    func otherNumber() throws {
        let house = try LedgerHouse()
        try requireLoop(house)
        let mounted = house.folder.path.appending("disk")
        let copy = house.folder.path.appending("copy")
        try house.shell(
            """
            mkdir "$1" "$2"; truncate -s 32M ../image
            mkfs.ext4 -q ../image
            losetup -f --show ../image > ../device
            mount "$(cat ../device)" "$1"; for i in $(seq 20); do echo "text $i" > "$1/file-$i"; done; sync
            """, mounted.string, copy.string)
        defer {
            for path in [mounted, copy] { try? house.shell("umount -d \"$1\" 2>/dev/null || true", path.string) }
        }
        try house.waitUntilSettled()
        #expect(try house.scan(paths: [mounted]).counts[.clean] == 20)
        let before = try FileStatus.of(Opening.start(at: mounted)).device
        try house.shell(
            """
            umount "$1"
            # The second number is taken while the first one still is: they differ.
            losetup -f --show ../image > ../device.new
            losetup -d "$(cat ../device)"
            mount "$(cat ../device.new)" "$1"
            """, mounted.string, copy.string)
        let after = try FileStatus.of(Opening.start(at: mounted)).device
        #expect(after != before)
        let second = try house.scan(paths: [mounted])
        #expect(second.counts[.unchanged] == 20 && !second.startedEngine)

        // The same identity and the same inodes twice, with other bytes in one of them.
        try house.shell(
            """
            umount -d "$1"; cp ../image ../other
            mount -o loop ../image "$1"; mount -o loop ../other "$2"
            printf '%s\\n' "$3" > "$2/file-3"
            """, mounted.string, copy.string, String(LedgerHouse.bad.dropLast()))
        let both = try house.scan(paths: [mounted, copy])
        #expect(both.counts[.infected] == 1 && both.counts.total == 40)
        let fromCopy = both.files.filter { $0.path.string.hasPrefix(copy.string + "/file") && $0.outcome == .clean }
        #expect(fromCopy.count == 19 && fromCopy.allSatisfy { $0.detail != nil }, "by their bytes, not by their inodes")
    }

    @Test("A file system without an identity of its own is looked at every time")
    func tmpfs() throws {
        try #require(getuid() == 0, "needs root to mount")
        let house = try LedgerHouse()
        try house.shell("mount -t tmpfs tmpfs \"$1\"", house.tree.string)
        defer { try? house.shell("umount -l \"$1\"", house.tree.string) }
        try house.folder.write("tree/file", LedgerHouse.good)
        try house.waitUntilSettled()
        #expect(try house.scan().outcome("file") == .clean)
        #expect(try house.scan().outcome("file") == .clean)
    }

    @Test("The plan of the command: what is due, before and after a scan")
    func plan() throws {
        let house = try LedgerHouse()
        try house.fill(12)
        try house.waitUntilSettled()
        func plan() throws -> ScanPlanned {
            let scan = try house.scan("--plan")
            #expect(scan.status == 0 && !scan.startedEngine && scan.files.isEmpty)
            return try #require(
                scan.events.compactMap { if case .scanPlanned(let plan) = $0 { plan } else { nil } }.first)
        }
        #expect(try plan().filesDue == 12)
        #expect(try plan().seconds == nil)
        #expect(try house.scan().counts[.clean] == 12)
        #expect(try plan().filesDue == 0)
        try house.folder.write("tree/new", "0123456789")
        let third = try plan()
        #expect(third.filesDue == 1 && third.bytesDue == 10 && third.files == 13 && third.seconds != nil)
    }
}
