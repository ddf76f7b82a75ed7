import Journal
import SystemPackage
import TestSupport
import Testing

/// Archives into which libclamav cannot look.
@Suite struct ClosedArchiveTests {
    @Test func anEncryptedArchiveIsIncomplete() throws {
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        try house.shell("zip -q -P password locked.zip bad; rm bad")
        let result = try house.scan()
        #expect(result.outcome("locked.zip") == .incomplete(.encrypted))
        #expect(result.status == 2)
    }

    @Test func anInfectedMemberBesideAnEncryptedOneIsFound() throws {
        let house = try ScanHouse()
        try house.put("1-bad", ScanHouse.bad)
        try house.put("0-good", ScanHouse.good)
        try house.shell("zip -q -P password locked.zip 0-good; zip -q locked.zip 1-bad; rm ?-*")
        let result = try house.scan()
        #expect(result.outcome("locked.zip") == .bad)
        #expect(result.status == 1)
    }

    /// Members of RAR archives are looked at only with a plug-in that Debian has outside of main.
    @Test func aRARArchiveWithoutThePluginIsIncomplete() throws {
        let house = try ScanHouse()
        // RAR 1.5 to 4: marker, archive header, and a stored file "a" of one byte.
        let marker: [UInt8] = [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07, 0x00]
        let archive: [UInt8] = [0xcf, 0x90, 0x73, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0]
        try house.put("old.rar", marker + archive + [UInt8](repeating: 0x11, count: 200))
        // RAR 5 has another marker.
        try house.put(
            "new.rar", [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07, 0x01, 0x00] + [UInt8](repeating: 0x11, count: 200))
        // And not only the first time: what libclamav remembers as clean is not.
        try house.shell("zip -q -0 first.zip old.rar; cp first.zip second.zip")
        let result = try house.scan()
        let hasPlugin = !result.notes.contains { $0.contains("libclamunrar") }
        if !hasPlugin {
            for name in ["old.rar", "new.rar", "first.zip", "second.zip"] {
                #expect(result.outcome(name) == .incomplete(.engineError), "\(name)")
            }
            #expect(result.report("old.rar")?.detail?.contains("libclamunrar") == true)
            #expect(result.status == 2)
        }
    }
}
