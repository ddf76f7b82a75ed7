import EngineProtocol
import Journal
import Scanner
import SystemPackage
import TestSupport
import Testing

/// Whatever goes beyond a limit is incomplete, never clean and never infected by the limit itself.
@Suite struct LimitTests {
    private func scan(_ house: ScanHouse, _ change: (inout EngineLimits) -> Void) throws -> ScanResult {
        try house.session { change(&$0.limits) }
    }

    @Test func aFileThatIsTooLong() throws {
        let house = try ScanHouse()
        try house.put("long", [UInt8](repeating: 0x61, count: 20_000) + ScanHouse.bad)
        try house.put("short", ScanHouse.good)
        let result = try scan(house) { $0.fileBytes = 10_000 }
        #expect(result.outcome("long") == .incomplete(.limit))
        #expect(result.report("long")?.detail?.contains("MaxFileSize") == true)
        #expect(result.outcome("short") == .clean)
    }

    @Test func aMemberThatIsTooLong() throws {
        let house = try ScanHouse()
        try house.shell("head -c 200000 /dev/zero > m; zip -q stored.zip -0 m; gzip m; tar -cf long.tar m.gz")
        let result = try scan(house) { $0.fileBytes = 100_000 }
        for name in ["stored.zip", "m.gz", "long.tar"] {
            #expect(result.outcome(name) == .incomplete(.limit), "\(name)")
        }
    }

    /// libclamav cuts such a member off and scans the rest of the archive as if nothing were missing. The size that the
    /// archive's folder tells may be a lie.
    @Test(arguments: [false, true]) func aMemberOfAZipThatIsCutOffSilently(_ lies: Bool) throws {
        let house = try ScanHouse()
        try house.shell("head -c 200000 /dev/zero > m; printf %s \"$1\" >> m; zip -q -X cut.zip m; rm m", Self.bad)
        if lies {
            // The uncompressed size in the local header and in the central one (APPNOTE.TXT, 4.3.7 and 4.3.12).
            try house.shell(
                """
                central=$(grep -abo 'PK..' cut.zip | sed -n 's/:.*//p' | sed -n 2p)
                for place in 22 $((central + 24)); do
                    printf '\\100\\000\\000\\000' | dd of=cut.zip bs=1 seek=$place conv=notrunc status=none
                done
                """)
        }
        try house.shell("cp cut.zip copy.zip; zip -q -0 outer.zip cut.zip")
        let result = try scan(house) { $0.fileBytes = 100_000 }
        for name in ["cut.zip", "copy.zip", "outer.zip"] {
            #expect(result.outcome(name) == .incomplete(.limit), "\(name)")
        }
    }

    private static let bad = String(decoding: ScanHouse.bad, as: UTF8.self)

    /// Beyond limits of its own libclamav does not unfold HTML, and says nothing.
    @Test func longHTMLIsUnfoldedToo() throws {
        let house = try ScanHouse()
        // Target 3: HTML, only after it was unfolded (tags and entities in one form, all in small letters).
        try house.folder.write("signatures/html.ndb", "Test.HTML:3:*:\(hexadecimal("<nodeguard-bad>"))\n")
        try house.shell(
            """
            printf '<html><body>' > long.html
            yes '<p>nothing to be seen here</p>' | head -c 45000000 >> long.html
            echo '<NODEGUARD-BAD></body></html>' >> long.html
            """)
        #expect(try house.session().outcome("long.html") == .infected(first: "Test.HTML.UNOFFICIAL"))
    }

    @Test func moreContentThanIsScanned() throws {
        let house = try ScanHouse()
        try house.shell(
            "for i in 1 2 3 4; do head -c 50000 /dev/zero > m$i; echo $i >> m$i; done; zip -q all.zip m?; rm m?")
        let result = try scan(house) { $0.contentBytes = 100_000 }
        #expect(result.outcome("all.zip") == .incomplete(.limit))
    }

    @Test func tooManyMembers() throws {
        let house = try ScanHouse()
        try house.shell("for i in 1 2 3 4 5 6; do echo member $i of an archive > m$i; done; zip -q many.zip m?; rm m?")
        let result = try scan(house) { $0.members = 3 }
        #expect(result.outcome("many.zip") == .incomplete(.limit))
    }

    @Test func archivesTooDeepInEachOther() throws {
        let house = try ScanHouse()
        try house.shell(
            "echo deep inside > m; zip -q 1.zip m; zip -q 2.zip 1.zip; zip -q 3.zip 2.zip; zip -q deep.zip 3.zip; rm m ?.zip"
        )
        let result = try scan(house) { $0.recursion = 3 }
        #expect(result.outcome("deep.zip") == .incomplete(.limit))
        #expect(try house.session().outcome("deep.zip") == .clean)
    }

    /// The name of the limit comes first from libclamav; the infection must not disappear behind it.
    @Test func anInfectionBesideALimitStaysAnInfection() throws {
        let house = try ScanHouse()
        try house.put("1-bad", ScanHouse.bad)
        try house.shell(
            "head -c 200000 /dev/zero | gzip > 0-long; zip -q before.zip 0-long 1-bad; zip -q behind.zip 1-bad 0-long; rm ?-*"
        )
        let result = try scan(house) { $0.fileBytes = 100_000 }
        #expect(result.outcome("before.zip") == .bad)
        #expect(result.outcome("behind.zip") == .bad)
        #expect(result.counts[.infected] == 2)
    }

    @Test func moreTimeThanAFileMayTake() throws {
        let house = try ScanHouse()
        // 400 MiB in all, which take several seconds on any machine; the canaries take milliseconds.
        try house.shell(
            "head -c 10M /dev/zero | gzip -1 > m; for i in $(seq 40); do cp m m$i; done; tar -cf slow m?*; rm m*")
        let result = try scan(house) { $0.milliseconds = 1000 }
        #expect(result.outcome("slow") == .incomplete(.timeout))
    }

    /// libclamav does not try patterns of this kind on longer files, and says nothing.
    @Test func patternsOfThePCREKindAreTriedOnLongFilesToo() throws {
        let house = try ScanHouse()
        try house.folder.write(
            "signatures/pcre.ldb",
            "Test.PCRE;Engine:81-255,Target:0;0&1;6e6f6465677561726421;0/nodeguard! [0-9]+ times/\n")
        // Longer than PCRE_MAX_FILESIZE is by itself, 100 MiB; a hole, so that it needs no room.
        try house.shell("truncate -s 105M long; printf 'nodeguard! 42 times' >> long")
        #expect(try house.session().outcome("long") == .infected(first: "Test.PCRE.UNOFFICIAL"))
    }

    /// libclamav cannot take it at all, and would say clean.
    @Test func aFileBeyond2GiBIsTooLarge() throws {
        let house = try ScanHouse()
        try house.shell("truncate -s 3G sparse")
        let result = try house.scan()
        #expect(result.outcome("sparse") == .skipped(.tooLarge))
        #expect(result.report("sparse")?.size == 3 << 30)
        #expect(result.status == 2)
    }
}
