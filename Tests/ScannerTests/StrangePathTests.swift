import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// Paths and trees that a scan has to live with: each ends in its outcome, none hangs, crashes or hides.
@Suite struct StrangePathTests {
    @Test func aPathThatDoesNotExist() throws {
        let house = try ScanHouse()
        let result = try house.scan(house.sample.appending("nothing"))
        #expect(result.outcome("nothing") == .incomplete(.ioError))
        #expect(result.report("nothing")?.detail?.contains("No such file or directory") == true)
        #expect(result.status == 2)
    }

    @Test func whatIsNotAFileIsSkippedInAFolder() throws {
        let house = try ScanHouse()
        try house.shell(
            """
            mkfifo fifo; mknod null c 1 3; mknod loop b 7 0; ln -s . self; ln -s b a; ln -s a b; ln -s gone dangling
            python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
            """)
        try house.put("bad", ScanHouse.bad)
        let result = try house.scan()
        for name in ["fifo", "null", "loop", "self", "a", "b", "dangling", "socket"] {
            #expect(result.outcome(name) == .skipped(.special), "\(name)")
        }
        #expect(result.counts[.infected] == 1)
        #expect(result.counts.total == 9)
    }

    /// A person who names one of them wants it scanned, and is told that it was not.
    @Test(arguments: ["fifo", "null"]) func whatIsNotAFileIsNotScannedAsAPathEither(_ name: String) throws {
        let house = try ScanHouse()
        try house.shell("mkfifo fifo; mknod null c 1 3")
        let result = try house.scan(house.sample.appending(name))
        #expect(result.outcome(name) == .skipped(.special))
        #expect(result.status == 2)
    }

    @Test func aPathThatIsALoopOfLinks() throws {
        let house = try ScanHouse()
        try house.shell("ln -s a b; ln -s b a")
        let result = try house.scan(house.sample.appending("a"))
        #expect(result.outcome("a") == .incomplete(.ioError))
        #expect(result.status == 2)
    }

    /// As root, clamdscan scans nothing here and exits 0.
    @Test func aPathThatIsALinkIsFollowed() throws {
        let house = try ScanHouse()
        try house.put("folder/bad", ScanHouse.bad)
        try house.shell("ln -s folder to-folder; ln -s folder/bad to-file")
        let folder = try house.scan(house.sample.appending("to-folder"))
        #expect(folder.files.map(\.outcome) == [.bad])
        let file = try house.scan(house.sample.appending("to-file"))
        #expect(file.files.map(\.outcome) == [.bad])
        #expect(file.status == 1)
    }

    /// Needs root, to become an unprivileged user.
    @Test func whatMayNotBeReadIsIncomplete() throws {
        let house = try ScanHouse()
        try house.put("good", ScanHouse.good)
        try house.put("closed-file", ScanHouse.bad)
        try house.put("closed-folder/bad", ScanHouse.bad)
        try house.put("listed-folder/bad", ScanHouse.bad)
        try house.shell(
            "chmod 000 closed-file closed-folder; chmod 744 listed-folder; chmod 755 ..; mkdir -m 777 ../state")
        let result = try house.scan(under: ScanHouse.unprivileged)
        #expect(result.outcome("good") == .clean)
        #expect(result.outcome("closed-file") == .incomplete(.ioError))
        #expect(result.outcome("closed-folder") == .incomplete(.ioError))
        #expect(result.outcome("bad") == .incomplete(.ioError))
        #expect(result.report("closed-folder")?.detail?.contains("Permission denied") == true)
        #expect(result.status == 2)
        #expect(result.counts.total == 4)
    }

    private static let strangeNames: [(String, [UInt8])] = [
        (#"new\nline"#, Array("new\nline".utf8)),
        (#"not-\377utf8"#, Array("not-".utf8) + [0xff] + Array("utf8".utf8)),
        ("-dash", Array("-dash".utf8)),
        ("--json", Array("--json".utf8)),
        (#"tab\tand\033[31m"#, Array("tab\tand\u{1b}[31m".utf8)),
        (#"back\\slash"#, Array(#"back\slash"#.utf8)),
        ("\u{202e}txt.exe", Array("\u{202e}txt.exe".utf8)),
    ]

    /// A newline forges a line in the reports of ClamAV's programs. dash's printf knows the escapes.
    @Test(arguments: strangeNames) func aStrangeName(_ escaped: String, _ name: [UInt8]) throws {
        let house = try ScanHouse()
        try house.shell(
            #"printf %s "$2" > "./$(printf -- "$1")""#, escaped, String(decoding: ScanHouse.bad, as: UTF8.self))
        let path = FilePath(bytes: house.sample.bytes + [0x2f] + name)
        let walked = try house.scan()
        #expect(walked.files.map(\.path) == [path])
        #expect(walked.status == 1)
        // The same bytes as an argument, relative to the folder so that a dash comes first.
        let shell = #"exec "$1" scan-now --json --config "$2" -- "$(printf -- "$3")""#
        let named = try ScanResult(
            runProgram(
                ["/bin/sh", "-c", shell, "sh", builtProgram("nodeguard"), house.configuration.string, escaped],
                in: house.sample))
        #expect(named.status == 1)
        #expect(named.files.count == 1)
        #expect(named.files.first?.outcome == .bad)
        #expect(named.files.first?.path.bytes.suffix(name.count) == name[...])
        // And for a person: one line, and nothing that steers a terminal.
        let shown = try runProgram(
            [builtProgram("nodeguard"), "scan-now", "--config", house.configuration.string, house.sample.string])
        #expect(shown.output.split(separator: "\n").filter { $0.hasPrefix("INFECTED") }.count == 1)
        #expect(shown.output.split(separator: "\n").count == 3)
        #expect(!shown.stdout.contains(0x1b) && !shown.stdout.contains(0xff))
        #expect(!shown.output.contains("\u{202e}"))
    }

    /// Deeper than PATH_MAX reaches: ClamAV's programs do not get there.
    @Test func aFolderTwoThousandDeep() throws {
        let house = try ScanHouse()
        try makeDeepFolder(in: house.sample, levels: 2000, bottom: ScanHouse.bad)
        let result = try house.scan()
        #expect(result.outcome("bad") == .bad)
        #expect(result.files.first?.path.bytes.count ?? 0 > 4096)
        #expect(result.counts.total == 1)
        #expect(result.status == 1)
    }

    @Test func tenThousandFilesInOneFolder() throws {
        let house = try ScanHouse(workers: 2)
        try house.shell(
            "seq 10000 | split -l 1 -a 4 - f; mkdir below; printf %s \"$1\" > below/bad",
            String(decoding: ScanHouse.bad, as: UTF8.self))
        let result = try house.scan()
        #expect(result.counts[.clean] == 10_000)
        #expect(result.counts[.infected] == 1)
        #expect(Set(result.files.map(\.path)).count == 10_001)
        #expect(result.status == 1)
    }

    /// Another file system beneath the path is left out as long as nobody wants it, and its files are not hidden.
    @Test func anotherFileSystemBeneathIsSkippedAndTold() throws {
        let house = try ScanHouse()
        try house.put("good", ScanHouse.good)
        let mounted = try MountedFolder.tmpfs(at: house.sample.appending("mounted"), bytes: 1 << 20)
        try house.put("mounted/bad", ScanHouse.bad)
        try withExtendedLifetime(mounted) {
            let alone = try house.session()
            #expect(alone.outcome("mounted") == .skipped(.otherFilesystem))
            #expect(alone.counts[.infected] == 0)
            // Who names a path by hand wants everything beneath it, as with clamscan.
            let both = try house.scan()
            #expect(both.outcome("bad") == .bad)
        }
    }

    /// A program that serves a file system can hang for ever: it is entered only where it was named.
    @Test func aFileSystemServedByAProgramIsEnteredOnlyByName() throws {
        let house = try ScanHouse()
        let strange = try StrangeFiles(at: house.sample.appending("served"), [.init("bad", ScanHouse.bad)])
        let around = try house.session { $0.targets[0].oneFileSystem = false }
        #expect(around.outcome("served") == .skipped(.otherFilesystem))
        #expect(try house.scan(strange.path).outcome("bad") == .bad)
    }

    @Test func theKernelsOwnFileSystemsAreNeverScanned() throws {
        let house = try ScanHouse()
        let result = try house.scan("/proc", "/sys")
        #expect(result.files.map(\.outcome) == [.skipped(.otherFilesystem), .skipped(.otherFilesystem)])
        #expect(result.status == 2)
    }

    @Test func validatorsKeysAreNeverOpened() throws {
        let house = try ScanHouse()
        try house.put("keystore-m_12381_3600_0_0_0-1.json", ScanHouse.bad)
        try house.put("validators/0xabc/voting-keystore.json", ScanHouse.bad)
        let result = try house.scan()
        #expect(result.counts[exactly: .skipped(.keyFile)] == 2)
        #expect(result.counts.total == 2)
    }
}

/// Makes a folder in a folder in a folder …, by descriptors: no path reaches the bottom.
private func makeDeepFolder(in top: FilePath, levels: Int, bottom: [UInt8]) throws {
    var folder = OwnedDescriptor(
        owning: FileDescriptor(rawValue: try checked(unsafe top.withPlatformString { unsafe open($0, O_DIRECTORY) })))
    for _ in 0..<levels {
        _ = try checked(unsafe mkdirat(folder.rawValue, "down", 0o755))
        let next = try checked(unsafe openat(folder.rawValue, "down", O_DIRECTORY | O_CLOEXEC))
        folder = OwnedDescriptor(owning: FileDescriptor(rawValue: next))
    }
    let file = FileDescriptor(
        rawValue: try checked(unsafe openat(folder.rawValue, "bad", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)))
    try file.closeAfter { _ = try file.writeAll(bottom) }
}

private func checked(_ result: Int32) throws -> Int32 {
    guard result >= 0 else { throw Errno(rawValue: errno) }
    return result
}
