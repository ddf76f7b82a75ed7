import Config
import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// The real programs, with the real engine, on a folder that holds the data of every client.
@Suite("Key files in a scan")
struct KeyFileTests {
    private let house: TemporaryFolder
    private let sample: FilePath

    init() throws {
        house = try TemporaryFolder()
        // Every folder above a key is open to all, so that only what a test shuts is shut.
        _ = try house.shell("chmod 755 . && mkdir -p sample metrics state && chmod 755 sample")
        sample = house.path.appending("sample")
        try house.write("signatures/test.ndb", "Test.Bad:0:*:6e6f646567756172642d74657374732d626164\n")
    }

    /// Scans with these targets; every target has the sample as its path.
    private func scan(_ kinds: String..., paths: [FilePath] = []) throws -> Told {
        let targets = kinds.map { "{name: \($0), kind: \($0), paths: [\"\(sample)\"]}" }.joined(separator: ", ")
        let main = try house.write(
            "nodeguard.yaml",
            """
            scan:
              signatures: "\(house.path)/signatures"
              workers: 1
              targets: [\(targets)]
            paths: {state: "\(house.path)/state", runtime: "\(house.path)/run"}
            journal: {enabled: false}
            metrics: {textfile: "\(house.path)/metrics/nodeguard.prom"}

            """)
        let result = try runProgram(
            [builtProgram("nodeguard"), "scan-now", "--json", "--config", main.string] + paths.map(\.string))
        var reader = EventLineReader()
        reader.append(result.stdout)
        var told = Told(status: result.status, errors: result.errors)
        while let event = try reader.next() { told.events.append(event) }
        try reader.finish()
        return told
    }

    private struct Told {
        let status: Int32?
        let errors: String
        var events: [Event] = []

        var files: [FileReport] { events.compactMap { if case .file(let file) = $0 { file } else { nil } } }
        var exposed: [KeyFileExposed] {
            events.compactMap { if case .keyFileExposed(let key) = $0 { key } else { nil } }
        }
    }

    private func metric() throws -> String? {
        let text = try runProgram(["/bin/cat", "\(house.path)/metrics/nodeguard.prom"]).output
        return text.split(separator: "\n").first { $0.hasPrefix("nodeguard_key_file_problems ") }.map {
            String($0.split(separator: " ")[1])
        }
    }

    private func put(_ name: String, mode: UInt32 = 0o600) throws -> FilePath {
        try house.write("sample/\(name)", "x", permissions: FilePermissions(rawValue: mode))
    }

    // MARK: Never opened

    @Test(
        "No key file is ever opened, in no kind of target, and every other file is",
        arguments: ["system", "validators"])
    func neverOpened(kind: String) throws {
        var keys: Set<String> = []
        var others: Set<String> = []
        for tree in clientTrees {
            for (name, _) in tree.files {
                let path = try put("\(tree.profile)/\(name)").string
                if tree.keys.contains(name) { keys.insert(path) } else { others.insert(path) }
            }
        }
        // A key given by hand too.
        let alone = try put("alone/node_key.json").string
        keys.insert(alone)
        let watch = try OpenWatch(everythingBeneath: sample)
        let told = try scan(kind)
        let opened = try watch.opened()
        #expect(told.status == 0, "\(told.errors)")
        #expect(opened.isDisjoint(with: keys), "\(opened.intersection(keys))")
        #expect(opened == others, "the watch itself has missed \(others.subtracting(opened))")
        for file in told.files {
            let isKey = keys.contains(file.path.string)
            #expect((file.outcome == .skipped(.keyFile)) == isKey, "\(file.path)")
            if !isKey { #expect(file.outcome == .clean, "\(file.path)") }
        }
        #expect(told.files.count == keys.count + others.count)
        #expect(told.exposed == [])
        #expect(try metric() == "0")

        let byHand = try scan(kind, paths: [FilePath(alone)])
        #expect(byHand.files.map(\.outcome) == [.skipped(.keyFile)])
        #expect(try watch.opened() == [])
    }

    @Test("A link, a folder and a FIFO with a key's name are not taken for a key, nor opened")
    func notFiles() throws {
        let secret = try house.write("elsewhere/secret", "x")
        _ = try house.shell(
            "cd sample && ln -s '\(secret)' node_key.json && mkfifo jwt.hex && mkdir api-token.txt && echo x > api-token.txt/a"
        )
        let told = try scan("system")
        let outcomes = Dictionary(uniqueKeysWithValues: told.files.map { ($0.path.lastComponent?.string, $0.outcome) })
        #expect(outcomes == ["node_key.json": .skipped(.special), "jwt.hex": .skipped(.special), "a": .clean])
    }

    // MARK: Owner and permissions

    struct Case: CustomTestStringConvertible {
        let testDescription: String
        var name = "validators/0x87/voting-keystore.json"
        var mode: UInt32 = 0o600
        var owner = "1000:1000"
        var folder = "755 1000:1000"
        let problems: [KeyFileExposed.Problem]
    }

    static let cases: [Case] = [
        Case(testDescription: "as Lighthouse makes it", problems: []),
        Case(testDescription: "as the deposit tool makes it", mode: 0o440, problems: []),
        Case(testDescription: "root's, in a user's folder", owner: "0:0", problems: []),
        Case(testDescription: "open to read", mode: 0o644, problems: [.readableByOthers]),
        Case(testDescription: "read by a foreign group", mode: 0o640, owner: "1000:2000", problems: [.readableByGroup]),
        Case(
            testDescription: "written by all", mode: 0o666, owner: "1000:2000",
            problems: [.readableByOthers, .readableByGroup, .writableByOthers, .writableByGroup]),
        Case(testDescription: "written by its own group", mode: 0o660, problems: []),
        Case(testDescription: "of a third user", owner: "1001:1001", problems: [.foreignOwner]),
        Case(testDescription: "in a folder of all", folder: "777 1000:1000", problems: [.replaceable]),
        Case(testDescription: "in a sticky folder of all", folder: "1777 1000:1000", problems: []),
        Case(
            testDescription: "a record open to read", name: "validators/slashing_protection.sqlite", mode: 0o644,
            problems: []),
        Case(
            testDescription: "a record written by all", name: "validators/slashing_protection.sqlite", mode: 0o622,
            owner: "1000:2000", problems: [.writableByOthers, .writableByGroup]),
        Case(testDescription: "no key", name: "validators/notes.txt", mode: 0o666, problems: []),
    ]

    @Test("Owner and permissions are judged for what they let others do", arguments: cases)
    func permissions(_ test: Case) throws {
        #expect(geteuid() == 0, "this test gives files away, which only root may")
        let path = try put(test.name, mode: test.mode)
        let folder = test.folder.split(separator: " ")
        _ = try house.shell(
            "chown \(test.owner) '\(path)' && cd '\(path.removingLastComponent())' && chown \(folder[1]) . && chmod \(folder[0]) ."
        )
        let told = try scan("system")
        #expect(told.exposed.map(\.problems) == (test.problems.isEmpty ? [] : [test.problems]))
        #expect(try metric() == (test.problems.isEmpty ? "0" : "1"))
        if let key = told.exposed.first {
            #expect(key.path == path)
            #expect(key.target == "system")
            #expect("\(key.user):\(key.group)" == test.owner)
            #expect(UInt32(key.permissions) == test.mode)
            // Whoever reads files only is told with the file.
            #expect(told.files.first { $0.path == path }?.detail == key.evidence)
        }
    }

    @Test("A folder of all that others cannot reach exposes nothing, wherever the scan begins")
    func unreachable() throws {
        try _ = put("shut/open/node_key.json")
        _ = try house.shell("chmod 777 sample/shut/open && chmod 700 sample/shut")
        #expect(try scan("system").exposed == [])
        // By hand, from below the folder that shuts it.
        #expect(try scan("system", paths: [sample.appending("shut/open")]).exposed == [])
        _ = try house.shell("chmod 711 sample/shut")
        #expect(try scan("system").exposed.map(\.problems) == [[.replaceable]])
    }

    @Test("A file that lies in two targets is one problem, and a mended one is none")
    func metricOverTargets() throws {
        let path = try put("config/node_key.json", mode: 0o644)
        _ = try put("config/jwt.hex", mode: 0o604)
        #expect(try scan("system", "validators").exposed.count == 4)
        #expect(try metric() == "2")
        _ = try house.shell("chmod 600 '\(path)'")
        // One target has seen it mended, the other has not looked again.
        #expect(try scan("system").exposed.count == 1)
        #expect(try metric() == "2")
        _ = try scan("system", "validators")
        #expect(try metric() == "1")
        // By hand nothing is counted: it would never go away.
        _ = try put("other/node_key.json", mode: 0o644)
        _ = try scan("system", paths: [sample.appending("other")])
        #expect(try metric() == "1")
    }
}

extension TemporaryFolder {
    /// Runs a shell script in the folder.
    func shell(_ script: String) throws -> String {
        let result = try runProgram(["/bin/sh", "-euc", script], in: path)
        try #require(result.status == 0, "\(script): \(result.errors)")
        return result.output
    }
}

/// Notes, by inotify(7), which files beneath a folder anybody opens. Opening with O_PATH is not an opening.
private final class OpenWatch {
    private let descriptor: FileDescriptor
    private var folders: [Int32: String] = [:]

    init(everythingBeneath root: FilePath) throws {
        descriptor = FileDescriptor(rawValue: inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)))
        let found = try runProgram(["/usr/bin/find", root.string, "-type", "d"]).output
        for folder in found.split(separator: "\n").map(String.init) {
            let watch = unsafe inotify_add_watch(descriptor.rawValue, folder, UInt32(IN_OPEN))
            try #require(watch >= 0, "inotify_add_watch \(folder): \(Errno(rawValue: errno))")
            folders[watch] = folder
        }
    }

    deinit { try? descriptor.close() }

    /// The files that were opened since the last call.
    func opened() throws -> Set<String> {
        var opened: Set<String> = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count: Int
            do {
                count = try unsafe buffer.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
            } catch Errno.resourceTemporarilyUnavailable {
                return opened
            }
            var at = 0
            while at < count {
                // struct inotify_event: wd, mask, cookie and len, four bytes each, and the name.
                func word(_ offset: Int) -> UInt32 {
                    (0..<4).reduce(0) { $0 | UInt32(buffer[at + offset + $1]) << UInt32(8 * $1) }
                }
                let (mask, length) = (word(4), Int(word(12)))
                try #require(mask & UInt32(IN_Q_OVERFLOW) == 0, "the kernel dropped events")
                if mask & UInt32(IN_ISDIR) == 0, length > 0, let folder = folders[Int32(bitPattern: word(0))] {
                    let name = buffer[(at + 16)..<(at + 16 + length)].prefix { $0 != 0 }
                    opened.insert("\(folder)/\(String(decoding: name, as: UTF8.self))")
                }
                at += 16 + length
            }
        }
    }
}
