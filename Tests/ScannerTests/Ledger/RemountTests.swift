import Glibc
import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite("A disk that was mounted anew", .serialized)
struct RemountTests {
    /// A file system that keeps its identity, with the smallest image that its mkfs takes.
    enum Kind: String, CaseIterable, Sendable {
        case ext4, xfs, btrfs

        var size: String {
            switch self {
            case .ext4: "32M"
            case .xfs: "320M"
            case .btrfs: "128M"
            }
        }

        /// Mounts a second one with the same UUID beside the first.
        var besideItsCopy: String { self == .xfs ? "loop,nouuid" : "loop" }

        /// Whether images of it can be mounted here: root, its mkfs, and a kernel that knows it, perhaps only as a module.
        func require(_ house: LedgerHouse) throws {
            try #require(getuid() == 0, "needs root to mount")
            let script =
                "command -v mkfs.\(self) && losetup -f && { grep -qw \(self) /proc/filesystems || modprobe \(self); }"
            let tried = try runProgram(["/bin/sh", "-c", script])
            if tried.status != 0 {
                try Test.cancel("mkfs.\(self), loop devices or a kernel with \(self) are missing: \(tried.errors)")
            }
        }
    }

    @Test(
        "Under another device number the same files are still known; a copy beside the original is not confused with it",
        arguments: Kind.allCases)
    func otherNumber(_ kind: Kind) throws {
        let house = try LedgerHouse()
        try kind.require(house)
        let mounted = house.folder.path.appending("disk")
        let copy = house.folder.path.appending("copy")
        try house.shell(
            """
            mkdir "$1" "$2"; truncate -s "$4" ../image
            "mkfs.$3" -q ../image
            losetup -f --show ../image > ../device
            mount "$(cat ../device)" "$1"; for i in $(seq 20); do echo "text $i" > "$1/file-$i"; done; sync -f "$1"
            stat -f -c %i "$1" > ../identity
            """, mounted.string, copy.string, kind.rawValue, kind.size)
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
            again() {
                mount "$(cat ../device.new)" "$1" || return 1
                if [ "$2" != btrfs ] || [ "$(stat -f -c %i "$1")" = "$(cat ../identity)" ]; then return 0; fi
                umount "$1"; return 1
            }
            # Whoever copied this machine's mounts meanwhile, as every engine does, may hold the first one for a moment. Then xfs
            # refuses, and btrfs makes up an identity.
            for attempt in $(seq 1000); do if again "$1" "$2" 2>../errors; then exit 0; fi; sleep 0.1; done
            cat ../errors >&2; exit 1
            """, mounted.string, kind.rawValue)
        let after = try FileStatus.of(Opening.start(at: mounted)).device
        // The number of btrfs is one of no device, and may be the same again.
        #expect(after != before || kind == .btrfs)
        let second = try house.scan(paths: [mounted])
        #expect(second.counts[.unchanged] == 20 && !second.startedEngine)

        // The same identity and the same inodes twice, with other bytes in one of them. Btrfs itself sees to it that this
        // cannot be: it refuses the copy, or gives it another identity as long as it is mounted.
        guard kind != .btrfs else { return }
        try house.shell(
            """
            umount -d "$1"; cp ../image ../other
            mount -o loop ../image "$1"; mount -o "$4" ../other "$2"
            printf '%s\\n' "$3" > "$2/file-3"
            """, mounted.string, copy.string, String(LedgerHouse.bad.dropLast()), kind.besideItsCopy)
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
