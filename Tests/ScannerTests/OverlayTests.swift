import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// On overlayfs a file can have another device than the folder that it is in; it is no other file system for that. Needs
/// root, to mount.
@Suite struct OverlayTests {
    @Test func filesOfLowerLayersAreOnTheFileSystemOfTheirFolder() throws {
        let house = try ScanHouse()
        try house.put("lower/below/bad", ScanHouse.bad)
        let upper = try MountedFolder.tmpfs(at: house.sample.appending("layers"), bytes: 1 << 20)
        try house.shell(
            "mkdir layers/upper layers/work merged; mount -t overlay overlay merged -o \"$1\"",
            "lowerdir=lower,upperdir=layers/upper,workdir=layers/work,xino=off")
        defer { try? house.shell("umount merged") }
        try withExtendedLifetime(upper) {
            let result = try house.session {
                $0.targets[0].paths = [house.sample.appending("merged")]
                $0.targets[0].oneFileSystem = true
            }
            #expect(result.outcome("bad") == .bad)
            #expect(result.counts[.skipped] == 0)
        }
    }
}
