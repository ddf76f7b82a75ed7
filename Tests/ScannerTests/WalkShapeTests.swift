import Glibc
import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Scanner

/// Meeting every file of a tree once, whatever its shape. Mounting needs root.
@Suite struct WalkShapeTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What a walk meets: the paths beneath the root, with what became of those that are not looked at.
    private func walk(
        _ root: FilePath? = nil, exclude: [String] = [], oneFileSystem: Bool = true
    ) -> (files: [String], settled: [String: Outcome]) {
        let root = root ?? folder.path
        var walk = Walk(
            root: root,
            rules: WalkRules(exclude: exclude.map(PathGlob.init), oneFileSystem: oneFileSystem))
        var files: [String] = []
        var settled: [String: Outcome] = [:]
        func name(_ path: [UInt8]) -> String {
            String(decoding: path.dropFirst(root.bytes.count + 1), as: UTF8.self)
        }
        while let met = walk.next() {
            switch met {
            case .known: break
            case .file(let candidate): files.append(name(candidate.path))
            case .key(let path, _, _): settled[name(path)] = .skipped(.keyFile)
            case .settled(let path, let outcome, _, _): settled[name(path)] = outcome
            }
        }
        return (files.sorted(), settled)
    }

    private func shell(_ script: String) throws {
        let result = try runProgram(["/bin/sh", "-euc", script], in: folder.path)
        try #require(result.status == 0, "\(script): \(result.errors)")
    }

    @Test("a bind mount of a folder that is met anyway is met once")
    func bindMount() throws {
        try folder.write("data/deep/file", "x")
        try shell("mkdir view nested; mount --bind data view; mount --bind data/deep nested")
        defer { try? shell("umount view nested") }
        let met = walk()
        #expect(met.files == ["data/deep/file"])
        #expect(met.settled == ["view": .skipped(.otherFilesystem), "nested": .skipped(.otherFilesystem)])
    }

    @Test("a bind mount is entered where its source is left out, lies outside, or is hidden")
    func onlyWay() throws {
        try folder.write("root/data/file", "x")
        try folder.write("root/hidden/sub/file", "x")
        try folder.write("outside/file", "x")
        try shell(
            """
            cd root; mkdir of-excluded of-outside of-hidden
            mount --bind data of-excluded; mount --bind ../outside of-outside; mount --bind hidden/sub of-hidden
            mount -t tmpfs nodeguard-test hidden
            """)
        defer { try? shell("cd root; umount hidden of-hidden of-outside of-excluded") }
        let met = walk(folder.path.appending("root"), exclude: ["\(folder.path)/root/data"])
        #expect(met.files == ["of-excluded/file", "of-hidden/file", "of-outside/file"])
        #expect(met.settled == ["data": .skipped(.excluded), "hidden": .skipped(.otherFilesystem)])
    }

    @Test("a file system that is mounted twice is met once, and one that is mounted once is met")
    func otherFileSystem() throws {
        try shell("mkdir a b c; mount -t tmpfs nodeguard-test a; mkdir a/in; echo x > a/in/file; mount --bind a b")
        defer { try? shell("umount b a") }
        let met = walk(oneFileSystem: false)
        #expect(met.files.count == 1)
        #expect(met.settled.values.filter { $0 == .skipped(.otherFilesystem) }.count == 1)
        let one = walk()
        #expect(one.files.isEmpty)
        #expect(one.settled == ["a": .skipped(.otherFilesystem), "b": .skipped(.otherFilesystem)])
    }

    @Test("the merged view of an overlay is left out where its layers are met, and entered where they are not")
    func overlay() throws {
        try shell(
            """
            mkdir tree layers; mount -t tmpfs nodeguard-test layers; cd layers; mkdir upper lower work
            echo x > upper/new; echo x > lower/old; mkdir ../tree/merged
            mount -t overlay nodeguard-test -o "lowerdir=$PWD/lower,upperdir=$PWD/upper,workdir=$PWD/work" ../tree/merged
            """)
        defer { try? shell("umount tree/merged layers") }
        let whole = walk(oneFileSystem: false)
        #expect(whole.files == ["layers/lower/old", "layers/upper/new"])
        #expect(whole.settled["tree/merged"] == .skipped(.otherFilesystem))
        let alone = walk(folder.path.appending("tree"), oneFileSystem: false)
        #expect(alone.files == ["merged/new", "merged/old"])
        #expect(walk(folder.path.appending("tree/merged")).files == ["new", "old"])
    }

    @Test("pseudo file systems are never entered")
    func pseudo() throws {
        try shell("mkdir proc; mount -t proc nodeguard-test proc")
        defer { try? shell("umount proc") }
        #expect(walk(oneFileSystem: false).settled == ["proc": .skipped(.otherFilesystem)])
        #expect(walk("/proc", oneFileSystem: false).files.isEmpty)
    }

    @Test(
        "an exclude that begins with / stands for itself and everything beneath, one without for a name anywhere",
        arguments: [
            ("/srv", ["home/u/Downloads/x", "home/x.iso"]),
            ("/srv/iso", ["home/u/Downloads/x", "home/x.iso", "srv/iso2/b", "srv/node_modules/c"]),
            ("/home/*/Downloads", ["home/x.iso", "srv/iso/a", "srv/iso2/b", "srv/node_modules/c"]),
            ("/srv/**/c", ["home/u/Downloads/x", "home/x.iso", "srv/iso/a", "srv/iso2/b"]),
            ("/srv/iso?", ["home/u/Downloads/x", "home/x.iso", "srv/iso/a", "srv/node_modules/c"]),
            ("*.iso", ["home/u/Downloads/x", "srv/iso/a", "srv/iso2/b", "srv/node_modules/c"]),
            ("node_modules", ["home/u/Downloads/x", "home/x.iso", "srv/iso/a", "srv/iso2/b"]),
        ])
    func excludes(pattern: String, left: [String]) throws {
        for name in ["srv/iso/a", "srv/iso2/b", "srv/node_modules/c", "home/u/Downloads/x", "home/x.iso"] {
            try folder.write(name, "x")
        }
        let written = pattern.hasPrefix("/") ? "\(folder.path)\(pattern)" : pattern
        let met = walk(exclude: [written])
        #expect(met.files == left)
        #expect(!met.settled.isEmpty)
        #expect(met.settled.values.allSatisfy { $0 == .skipped(.excluded) })
    }

    @Test("more subfolders than may wait in memory are all met once, also where the folder had to be opened anew")
    func manySubfolders() throws {
        // Names of 250 bytes: 20,000 of them are more than may wait. Deeper than folders are kept open below one of them.
        try shell(
            #"""
            mkdir t; mount -t tmpfs -o size=512m nodeguard-test t; cd t
            python3 - <<'END'
            import os
            for i in range(20000): os.mkdir("%05d" % i + "n" * 245)
            for i in (0, 10000, 19999):
                os.chdir("/proc/self/cwd/" + "%05d" % i + "n" * 245)
                back = os.getcwd()
                for depth in range(100):
                    os.mkdir("d"); os.chdir("d")
                open("file", "w").close()
                os.chdir(back); os.chdir("..")
            END
            """#)
        defer { try? shell("umount t") }
        let met = walk(folder.path.appending("t"))
        #expect(met.files.count == 3)
        #expect(met.settled.isEmpty)
    }
}
