import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// Without good signatures nothing is clean: every fault of their folder ends the scan with status 2 and a remedy.
@Suite struct SignatureFolderTests {
    private func expectRefusal(
        _ house: ScanHouse, saying texts: String..., under wrapper: [String] = [],
        at location: SourceLocation = #_sourceLocation
    ) throws {
        try house.put("good", ScanHouse.good)
        let result = try house.scan(under: wrapper)
        #expect(result.status == 2, sourceLocation: location)
        #expect(result.counts.total == 0, "nothing may be called clean", sourceLocation: location)
        #expect(result.completeness != .complete, sourceLocation: location)
        for text in texts {
            #expect(result.errors.contains(text), "\(result.errors)", sourceLocation: location)
        }
    }

    @Test func missing() throws {
        let house = try ScanHouse()
        try removeTree(house.signatures)
        try expectRefusal(house, saying: house.signatures.string, "No such file", "install clamav-freshclam")
    }

    @Test func empty() throws {
        let house = try ScanHouse()
        try house.shell("rm ../signatures/*")
        try expectRefusal(house, saying: "no signatures in \(house.signatures)", "clamav-freshclam")
    }

    @Test func withNothingButExceptions() throws {
        let house = try ScanHouse()
        try house.shell("rm ../signatures/*; echo Test.Bad > ../signatures/stray.ign2")
        try expectRefusal(house, saying: "\(house.signatures)")
    }

    @Test func aFileInsteadOfAFolder() throws {
        let house = try ScanHouse()
        try house.shell("rm -r ../signatures; echo > ../signatures")
        try expectRefusal(house, saying: "is not a folder")
    }

    @Test func corrupt() throws {
        let house = try ScanHouse()
        try house.folder.write("signatures/broken.ndb", "Test.Broken:0:*:6e6f7468657\n")
        try expectRefusal(house, saying: "cannot load the signatures", "damaged")
    }

    private static let container =
        "ClamAV-VDB:07 Aug 2025 08-25 +0000:27724:2076000:90:00000000000000000000000000000000:x:builder:1754554800"
        .padding(to: 512) + "no archive"

    @Test func aContainerWithoutItsContent() throws {
        let house = try ScanHouse()
        try house.open()
        try house.folder.write("signatures/daily.cvd", Self.container)
        try expectRefusal(house, saying: "cannot load the signatures", "integrity")
    }

    /// libclamav leaves the daily database out without a word where access(2) says no, which goes by the real user, even if
    /// it could read it. Needs root: its engine runs as somebody who may not enter the house. With the capability to say
    /// so the engine has the database read; without, it refuses the folder.
    @Test(arguments: [
        (rights: [String](), said: "integrity"),
        (rights: ["setpriv", "--bounding-set", "-setpcap"], said: "pass over it in silence"),
    ]) func aDailyDatabaseThatOnlyRootMayReach(rights: [String], said: String) throws {
        let house = try ScanHouse()
        try house.folder.write("signatures/daily.cvd", Self.container)
        try expectRefusal(house, saying: "daily.cvd", said, under: rights)
    }

    @Test func writableByEverybody() throws {
        let house = try ScanHouse()
        try house.shell("chmod 777 ../signatures")
        try expectRefusal(house, saying: "can be written by everybody", "chmod go-w")
    }

    @Test func withADatabaseWritableByEverybody() throws {
        let house = try ScanHouse()
        try house.shell("chmod 666 ../signatures/test.ndb")
        try expectRefusal(house, saying: "test.ndb can be written by everybody", "chmod go-w")
    }

    /// As an unprivileged user, who may read the rest of the house. Needs root, to become one.
    @Test(arguments: ["../signatures", "../signatures/test.ndb"]) func unreadable(_ what: String) throws {
        let house = try ScanHouse()
        try house.shell("chmod 000 \(what); chmod 755 ..; mkdir ../state; chown 65534 ../state")
        try expectRefusal(house, saying: house.signatures.string, under: ScanHouse.unprivileged)
    }

    /// One line in such a file takes a signature, or a file, out of the scan, and nobody sees it.
    @Test(arguments: ["stray.ign2", "stray.fp"]) func exceptionsAreTold(_ name: String) throws {
        let house = try ScanHouse()
        try house.put("good", ScanHouse.good)
        let text = name == "stray.fp" ? "44d88612fea8a8f36de82e1278abb02f:68:Eicar" : "Test.Other"
        try house.folder.write("signatures/\(name)", "\(text)\n")
        let result = try house.scan()
        #expect(result.status == 0)
        #expect(result.notes.contains { $0.hasPrefix("\(name) takes ") })
    }

    @Test func whatIsLoadedIsTold() throws {
        let house = try ScanHouse()
        try house.put("good", ScanHouse.good)
        let result = try house.scan()
        let loaded = try #require(
            result.events.compactMap { if case .signaturesLoaded(let loaded) = $0 { loaded } else { nil } }.first)
        #expect(loaded.signatures.count == 1)
        #expect(loaded.databases.map(\.name) == ["test.ndb"])
        #expect(loaded.engine.hasPrefix("1."))
    }
}

extension String {
    fileprivate func padding(to length: Int) -> String {
        self + String(repeating: " ", count: max(0, length - utf8.count))
    }
}
