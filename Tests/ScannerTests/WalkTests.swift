import Glibc
import Journal
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Scanner

/// The walk alone, on real trees that change between two of its steps.
@Suite struct WalkTests {
    private func text(_ met: Walk.Met) -> String {
        switch met {
        case .known: "known"
        case .file(let candidate): String(decoding: candidate.path, as: UTF8.self)
        case .key(let path, _, _): String(decoding: path, as: UTF8.self) + " key_file"
        case .settled(let path, let outcome, _, _):
            String(decoding: path, as: UTF8.self) + " " + (outcome.reason ?? outcome.kind.rawValue)
        }
    }

    private func change(_ script: String, in folder: TemporaryFolder) throws {
        let result = try runProgram(["/bin/sh", "-euc", script], in: folder.path)
        #expect(result.status == 0, "\(result.errors)")
    }

    /// Everything that is met, below the folder, sorted.
    private func all(_ walk: inout Walk, _ folder: TemporaryFolder) -> [String] {
        var met: [String] = []
        while let next = walk.next() { met.append(String(text(next).dropFirst(folder.path.string.utf8.count + 1))) }
        return met.sorted()
    }

    @Test func everythingIsMetOnce() throws {
        let folder = try TemporaryFolder()
        try change("mkdir -p a/b c/d/e; touch f a/1 a/b/2 c/d/e/3; ln -s f link; mkfifo pipe", in: folder)
        var walk = Walk(root: folder.path, rules: WalkRules())
        #expect(all(&walk, folder) == ["a/1", "a/b/2", "c/d/e/3", "f", "link special", "pipe special"])
        #expect(walk.next() == nil)
    }

    @Test func whatIsExcludedIsNotEntered() throws {
        let folder = try TemporaryFolder()
        try change("mkdir -p a/deep b; touch a/1 a/deep/2 b/3 b/skip.me", in: folder)
        let rules = WalkRules(exclude: [PathGlob(folder.path.appending("a").string), PathGlob("*.me")])
        var walk = Walk(root: folder.path, rules: rules)
        #expect(all(&walk, folder) == ["a excluded", "b/3", "b/skip.me excluded"])
    }

    @Test func aFileThatIsDeletedBeforeItIsOpened() throws {
        let folder = try TemporaryFolder()
        try change("touch file", in: folder)
        var walk = Walk(root: folder.path, rules: WalkRules())
        guard case .file(let candidate) = walk.next() else {
            Issue.record("the file was not met")
            return
        }
        try change("rm file", in: folder)
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try walk.open(candidate) }
        #expect(walk.next() == nil)
    }

    /// Whoever can write there must not have the scan open a file of his choice instead.
    @Test func aFileThatIsReplacedByALinkIsNotFollowed() throws {
        let folder = try TemporaryFolder()
        try change("touch file", in: folder)
        var walk = Walk(root: folder.path, rules: WalkRules())
        guard case .file(let candidate) = walk.next() else {
            Issue.record("the file was not met")
            return
        }
        try change("ln -sf /etc/passwd file", in: folder)
        #expect(throws: Errno.tooManySymbolicLinkLevels) { _ = try walk.open(candidate) }
    }

    @Test func aFolderThatIsGoneOrReplacedBeforeItIsEntered() throws {
        let folder = try TemporaryFolder()
        try change("touch first; mkdir gone linked; touch gone/1 linked/2", in: folder)
        var walk = Walk(root: folder.path, rules: WalkRules())
        // Files are met before folders are entered.
        #expect(walk.next().map(text) == folder.path.appending("first").string)
        try change("rm -r gone linked; ln -s /etc linked", in: folder)
        #expect(all(&walk, folder) == ["gone vanished", "linked vanished"])
    }

    /// Deeper than folders are held open, the way back up leads through `..`, and somewhere else once the folder was
    /// moved. What is left behind there is told, not silently forgotten.
    @Test func aFolderThatIsMovedAwayWhileItIsWalked() throws {
        let folder = try TemporaryFolder()
        let levels = Walk.mostOpen + 20
        // Each level has a folder "down" in the middle of others: whichever end a file system lists first, some are
        // left to be entered after it.
        try change(
            """
            mkdir elsewhere top; cd -P top
            for level in $(seq \(levels)); do
                mkdir later-1 later-2 down later-3 later-4
                for name in later-?; do touch $name/file; done
                cd -P down
            done
            touch bottom
            """, in: folder)
        var walk = Walk(root: folder.path.appending("top"), rules: WalkRules())
        var met: [String] = []
        var hasMoved = false
        while let next = walk.next() {
            met.append(text(next))
            if !hasMoved && text(next).hasSuffix("/bottom") {
                hasMoved = true
                // A folder goes away, and the ways to those above it change: neither `..` nor the names lead there.
                try change(
                    """
                    deep=top; for level in 1 2 3 4 5 6 7 8 9 10; do deep=$deep/down; done
                    mv $deep elsewhere/; mv top/down/down top/down/other
                    """, in: folder)
            }
        }
        #expect(hasMoved)
        let lost = met.filter { $0.contains("/later-") && $0.hasSuffix(" io_error") }
        let files = met.filter { $0.hasSuffix("/file") }
        // No file is met twice, none is forgotten: each of the others was walked or told as lost.
        #expect(Set(met).count == met.count)
        #expect(!lost.isEmpty)
        #expect(lost.count + files.count == 4 * levels)
        #expect(met.count == 4 * levels + 1)
    }

    @Test func aTreeDeeperThanFoldersAreHeldOpen() throws {
        let folder = try TemporaryFolder()
        let levels = Walk.mostOpen * 3
        try change(
            "for level in $(seq \(levels)); do mkdir a z; touch a/file z/file; cd -P a; done; touch bottom", in: folder)
        var walk = Walk(root: folder.path, rules: WalkRules())
        let met = all(&walk, folder)
        #expect(met.count == 2 * levels + 1)
        #expect(Set(met).count == met.count)
        #expect(!met.contains { $0.contains(" ") })
    }

    /// Folders on the way up that have nothing more to enter are not opened again, those above them are.
    @Test func aDeepFolderWithAnotherFarAboveIt() throws {
        let folder = try TemporaryFolder()
        // Twice the same: whichever is entered first, the other one is left.
        try change(
            """
            mkdir a; cd -P a
            for side in x y; do
                (mkdir $side; cd -P $side; for level in $(seq \(Walk.mostOpen + 20)); do mkdir d; cd -P d; done; touch bottom)
            done
            """, in: folder)
        var walk = Walk(root: folder.path, rules: WalkRules())
        let met = all(&walk, folder)
        #expect(met.count == 2)
        #expect(met.allSatisfy { $0.hasSuffix("/d/bottom") })
    }

    @Test func aRootThatIsAFileIsOpened() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("file", "content")
        var walk = Walk(root: path, rules: WalkRules())
        guard case .file(let candidate) = walk.next() else {
            Issue.record("the file was not met")
            return
        }
        let file = try walk.open(candidate)
        #expect(try readToEnd(file.descriptor) == Array("content".utf8))
        #expect(walk.next() == nil)
    }
}
