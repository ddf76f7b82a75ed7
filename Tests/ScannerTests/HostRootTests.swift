import FoundationEssentials
import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// In a container the host's root is mounted in some folder; nobody is to see that in what is told. Needs root, to mount.
@Suite struct HostRootTests {
    private let house: ScanHouse
    /// A folder that stands for a host's root; only this process's user gets to it.
    private var root: FilePath { house.folder.path.appending("root") }

    init() throws {
        house = try ScanHouse()
        try house.shell("mkdir -p ../root/data; chmod 755 ../root ../root/data")
    }

    private func put(_ name: String, _ content: [UInt8]) throws {
        try house.folder.write("root/\(name)", String(decoding: content, as: UTF8.self))
    }

    /// What was told of files, byte for byte, but for the number of the scan.
    private func lines(_ result: ScanResult) throws -> [String] {
        try #require(result.status != nil && result.completeness == .complete, "\(result.errors)")
        return String(decoding: result.program.stdout, as: UTF8.self).split(separator: "\n")
            .filter { $0.contains(#""event":"file."#) || $0.contains(#""event":"key_file."#) }
            .map { String($0.replacing(#/"scanID":"[0-9a-f]+"/#, with: "")) }
    }

    @Test func theWholeHostMountedElsewhereGivesTheSameEvents() throws {
        try house.put("bad", ScanHouse.bad)
        try house.put("deep/er/good", ScanHouse.good)
        try house.put("validators/keystore-m_12381_3600_0_0_0-1.json", ScanHouse.good)
        try house.shell(
            "chmod -R a+rX .; chmod a+x ..; ln -s \"$PWD/deep\" link; mkfifo fifo; touch \"$(printf 'new\\nline\\377')\"; mkdir ../host"
        )
        let here = try house.session { $0.watched = WatchedPaths([]) }
        let host = house.folder.path.appending("host")
        let there = try house.session(
            under: [
                "/usr/bin/unshare", "--mount", "/bin/sh", "-euc",
                "host=$1; shift; mount --rbind -o ro / \"$host\"; exec \"$@\"", "sh", host.string,
            ]
        ) { $0.host = host }
        let told = try lines(here)
        #expect(told.contains { $0.contains("file.infected") } && told.contains { $0.contains("key_file.exposed") })
        #expect(try lines(there) == told)
    }

    @Test func anAbsoluteLinkOfTheHostsStaysOnTheHost() throws {
        try put("data/bad", ScanHouse.bad)
        // On this machine /etc/passwd is there, and on the host it is not.
        try house.shell(
            "ln -s /data ../root/way; ln -s /etc/passwd ../root/escape; ln -s ../../../../../etc ../root/up")
        let result = try house.session {
            $0.host = root
            $0.targets[0].paths = ["/way", "/escape", "/up"]
        }
        #expect(result.outcome("bad") == .bad)
        #expect(result.report("bad")?.path == "/way/bad")
        #expect(result.outcome("escape") == .incomplete(.ioError))
        #expect(result.outcome("up") == .incomplete(.ioError))
        #expect(result.counts.total == 3)
    }

    @Test func whoReachesAKeyIsAQuestionOfTheHostsFoldersAlone() throws {
        try put("data/keystore-m_12381_3600_0_0_0-1.json", ScanHouse.good)
        try house.shell("chmod 700 ..; chmod 644 ../root/data/*")
        let result = try house.session {
            $0.host = root
            $0.targets[0].paths = ["/data"]
        }
        let exposed = result.events.compactMap { if case .keyFileExposed(let key) = $0 { key.path } else { nil } }
        #expect(exposed == ["/data/keystore-m_12381_3600_0_0_0-1.json"])
    }

    @Test func aSecondMountIsKnownByTheHostsPath() throws {
        try put("data/bad", ScanHouse.bad)
        let result = try house.session(
            under: [
                "/usr/bin/unshare", "--mount", "/bin/sh", "-euc",
                "root=$1; shift; mount --rbind \"$root\" \"$root\"; mkdir \"$root/z\"; mount --bind \"$root/data\" \"$root/z\"; exec \"$@\"",
                "sh", root.string,
            ]
        ) {
            $0.host = root
            $0.targets[0].paths = ["/"]
            $0.targets[0].oneFileSystem = false
        }
        #expect(result.outcome("bad") == .bad)
        #expect(result.report("z")?.outcome == .skipped(.otherFilesystem))
        #expect(result.report("z")?.detail?.contains("another mount of /data") == true)
    }

    @Test func whatIsSetAsideComesFromTheHostAndGoesBackToIt() throws {
        try put("data/bad", ScanHouse.bad)
        try house.folder.write(
            "conf.d/10-host.yaml",
            """
            paths: {host: "\(root)"}
            scan: {targets: [{name: system, paths: [/data], action: quarantine}]}

            """)
        let nodeguard = try builtProgram("nodeguard")
        let configuration = ["--config", house.configuration.string]
        let scan = try runProgram([nodeguard, "scan-now", "--json", "--target", "system"] + configuration)
        #expect(scan.status == 1, "\(scan.output)\(scan.errors)")
        #expect(!exists(root.appending("data/bad")))
        let list = try runProgram([nodeguard, "quarantine", "list"] + configuration)
        #expect(list.output.contains("/data/bad") && !list.output.contains(root.string), "\(list.output)")
        let id = try #require(list.output.split(separator: " ").first)
        let back = try runProgram([nodeguard, "quarantine", "restore", String(id)] + configuration)
        #expect(back.status == 0, "\(back.errors)")
        #expect(exists(root.appending("data/bad")))
    }

    @Test func aHostThatIsNotThereIsToldAndNothingIsScanned() throws {
        let result = try house.session { $0.host = house.folder.path.appending("nowhere") }
        #expect(result.files.isEmpty && result.status != 0)
        #expect(result.errors.contains("paths.host"))
    }
}
