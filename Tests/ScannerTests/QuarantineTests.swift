import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// Real files with real access lists and attributes. Needs root: owners are changed and files of others taken away.
@Suite struct QuarantineTests {
    private let scratch: TemporaryFolder
    private let state: FilePath
    private let victims: FilePath

    init() throws {
        scratch = try TemporaryFolder()
        state = scratch.path.appending("state")
        victims = scratch.path.appending("victims")
        try makeFolder(state, permissions: .ownerReadWriteExecute)
        try makeFolder(victims, permissions: .ownerReadWriteExecute)
    }

    @discardableResult
    private func run(_ arguments: String...) throws -> String {
        let result = try runProgram(arguments)
        try #require(result.status == 0, "\(arguments): \(result.errors)")
        return result.output
    }

    /// Everything that restore has to bring back. When it was last read is put back after it is read here.
    private func portrait(_ path: FilePath) throws -> String {
        let read = try run("stat", "-c", "%x", path.string)
        let numbers = try run("stat", "-c", "%a %u %g %s %y", path.string)
        let list = try run("getfacl", "-cnp", path.string)
        let attributes = try run("getfattr", "-d", "-m", "-", "-e", "hex", "--absolute-names", path.string)
        let sum = try run("sha256sum", path.string).prefix(64)
        try run("touch", "-a", "-d", String(read.dropLast()), path.string)
        return [read, numbers, list, attributes, String(sum)].joined(separator: "\n")
    }

    private func victim(_ name: String = "victim", _ text: String = "known-bad bytes") throws -> FilePath {
        try scratch.write("victims/\(name)", text)
    }

    private func open(_ path: FilePath) throws -> OwnedDescriptor {
        try Opening.readable(Opening.start(at: path))
    }

    /// What a session does with an infected file.
    @discardableResult
    private func setAside(
        _ path: FilePath, _ quarantine: Quarantine, protected: [FilePath] = []
    ) throws -> (id: ShortID, remainingNames: UInt32) {
        let file = try open(path)
        let before = try FileStatus.of(file)
        let candidate = try QuarantineCandidate(
            file, before: before, path: path, protected: ProtectedPlaces(ValidatorFiles(folders: protected)))
        let aside = try quarantine.setAside(candidate, signatures: ["Bad.File", "Other"], target: "t", scanID: scan)
        let result = (aside.id, aside.remainingNames)
        try quarantine.confirm(aside)
        return result
    }

    private let scan = ScanID.random()

    private func names(_ folder: FilePath) throws -> [String] {
        try run("ls", "-A", folder.string).split(separator: "\n").map(String.init).sorted()
    }

    // MARK: There and back

    @Test func everythingComesBack() throws {
        let path = try victim("a \u{1b}[31m \\ name", String(repeating: "0123456789abcdef", count: 70_000))
        try run("chown", "1234:5678", path.string)
        try run("chmod", "6751", path.string)
        try run("setfacl", "-m", "u:4321:rw,g:77:x,m::rwx", path.string)
        try run("setfattr", "-n", "user.origin", "-v", "somewhere", path.string)
        try run("setfattr", "-n", "trusted.mark", "-v", "0x00ff00", path.string)
        try run("setfattr", "-n", "security.selinux", "-v", "system_u:object_r:etc_t:s0", path.string)
        try run("touch", "-d", "2001-02-03 04:05:06.123456789", path.string)
        let before = try portrait(path)
        let quarantine = try Quarantine(state: state)
        let id = try setAside(path, quarantine).id
        #expect(!exists(path))
        #expect(try names(victims).isEmpty)

        let entry = try #require(try quarantine.entries().first)
        let manifest = try entry.manifest.get()
        #expect(entry.id == id)
        #expect(manifest.place == path && manifest.signatures == ["Bad.File", "Other"] && manifest.scanID == scan)

        let restored = try quarantine.restore(id, to: nil)
        #expect(restored.place == path)
        #expect(try portrait(path) == before)
        #expect(try names(state.appending("quarantine")).isEmpty)
    }

    @Test func whatIsStoredIsNeitherReadableNorTheFile() throws {
        let path = try victim("tool", "#!/bin/sh\necho known-bad bytes\n")
        try run("chmod", "755", path.string)
        let quarantine = try Quarantine(state: state)
        let id = try setAside(path, quarantine).id
        let folder = state.appending("quarantine")
        #expect(
            try run("stat", "-c", "%a", folder.string, "\(folder)/\(id)", "\(folder)/\(id)/content")
                == "700\n700\n600\n")
        #expect(try runProgram(["grep", "-rqa", "known-bad", folder.string]).status == 1)
    }

    @Test func anEmptyFileAndOneWithHolesComeBack() throws {
        let empty = try victim("empty", "")
        let holes = try victim("holes", "x")
        try run("truncate", "-s", "700001", holes.string)
        let before = (try portrait(empty), try portrait(holes))
        let quarantine = try Quarantine(state: state)
        let ids = (try setAside(empty, quarantine).id, try setAside(holes, quarantine).id)
        _ = try quarantine.restore(ids.0, to: nil)
        _ = try quarantine.restore(ids.1, to: nil)
        #expect(try portrait(empty) == before.0)
        #expect(try portrait(holes) == before.1)
    }

    @Test func otherNamesOfTheFileAreCounted() throws {
        let path = try victim()
        try run("ln", path.string, "\(victims)/second")
        try run("ln", path.string, "\(victims)/third")
        #expect(try setAside(path, try Quarantine(state: state)).remainingNames == 2)
        #expect(try names(victims) == ["second", "third"])
    }

    @Test func aFolderWithADefaultListGivesNothingToARestoredFile() throws {
        let path = try victim()
        let before = try portrait(path)
        let quarantine = try Quarantine(state: state)
        let id = try setAside(path, quarantine).id
        try run("setfacl", "-d", "-m", "u:99:rwx", victims.string)
        _ = try quarantine.restore(id, to: nil)
        #expect(try portrait(path) == before)
    }

    // MARK: What is never taken away

    @Test(arguments: [
        "validators/0xabc/voting-keystore.json", "geth/chaindata/000001.ldb", "keystore/UTC--2020", "beacon/db/x",
        "data/blockstore.db/000001.log", "priv_validator_key.json",
    ])
    func keysAndChainDataStay(_ name: String) throws {
        let path = try scratch.write("victims/\(name)", "bad")
        let quarantine = try Quarantine(state: state)
        #expect(throws: QuarantineRefusal.self) { try setAside(path, quarantine) }
        #expect(exists(path))
        #expect(try quarantine.entries().isEmpty)
    }

    @Test func aValidatorsFolderStaysByWhateverPath() throws {
        let path = try scratch.write("victims/node/data/file", "bad")
        let other = scratch.path.appending("mounted")
        try makeFolder(other, permissions: .ownerReadWriteExecute)
        try run("mount", "--bind", "\(victims)/node/data", other.string)
        defer { _ = try? runProgram(["umount", other.string]) }
        try run("ln", "-s", "\(victims)/node", "\(scratch.path)/link")
        let quarantine = try Quarantine(state: state)
        let node = victims.appending("node")
        for way in [path, other.appending("file"), scratch.path.appending("link/data/file")] {
            #expect(throws: QuarantineRefusal.self, "\(way)") { try setAside(way, quarantine, protected: [node]) }
        }
        // Also where the folder was named by a link, and only there.
        let link = scratch.path.appending("link")
        #expect(throws: QuarantineRefusal.self) { try setAside(path, quarantine, protected: [link]) }
        #expect(exists(path))
        try setAside(try victim("beside"), quarantine, protected: [node])
    }

    // MARK: Races

    /// What others do between the look at a file and its removal, each in the very moment.
    @Test(arguments: [Quarantine.Step.makeFolder, .copyPiece, .writeManifest, .complete, .moveOriginal])
    func aFileThatIsReplacedStays(_ step: Quarantine.Step) throws {
        let path = try victim()
        try scratch.write("other", "precious")
        let quarantine = try Quarantine(state: state)
        quarantine.before { if $0 == step { try self.run("mv", "\(self.scratch.path)/other", path.string) } }
        #expect(throws: (any Error).self) { try setAside(path, quarantine) }
        #expect(try run("cat", path.string) == "precious")
        #expect(try names(victims) == ["victim"])
        #expect(try quarantine.entries().isEmpty)
    }

    @Test func aFileThatIsReplacedByALinkStaysAndItsTargetToo() throws {
        let path = try victim()
        let target = try scratch.write("target", "precious")
        let quarantine = try Quarantine(state: state)
        quarantine.before { if $0 == .moveOriginal { try self.run("ln", "-sf", target.string, path.string) } }
        #expect(throws: (any Error).self) { try setAside(path, quarantine) }
        #expect(try run("readlink", path.string) == "\(target)\n")
        #expect(try run("cat", target.string) == "precious")
    }

    @Test func aFileThatIsRenamedStaysUnderItsNewName() throws {
        let path = try victim()
        let quarantine = try Quarantine(state: state)
        quarantine.before { if $0 == .moveOriginal { try self.run("mv", path.string, "\(self.victims)/renamed") } }
        #expect(throws: QuarantineRefusal.self) { try setAside(path, quarantine) }
        #expect(try names(victims) == ["renamed"])
        #expect(try quarantine.entries().isEmpty)
    }

    /// Between the rename to the private name and the look at it: another file under that name.
    @Test func aFileUnderThePrivateNameStays() throws {
        let path = try victim()
        try scratch.write("other", "precious")
        let quarantine = try Quarantine(state: state)
        quarantine.before {
            guard $0 == .removeOriginal else { return }
            try self.run("sh", "-c", "mv \(self.scratch.path)/other \(self.victims)/.nodeguard-quarantine-*")
        }
        #expect(throws: QuarantineRefusal.self) { try setAside(path, quarantine) }
        #expect(try run("cat", path.string) == "precious")
    }

    @Test(arguments: [Quarantine.Step.copyPiece, .writeManifest, .moveOriginal])
    func aFileThatIsWrittenToStays(_ step: Quarantine.Step) throws {
        let path = try victim()
        let quarantine = try Quarantine(state: state)
        // With its times put back: the ctime tells.
        quarantine.before {
            if $0 == step {
                try self.run(
                    "sh", "-c", "touch -r \(path) r; printf n | dd of=\(path) conv=notrunc; touch -r r \(path)",
                    in: self.scratch.path)
            }
        }
        #expect(throws: QuarantineRefusal.self) { try setAside(path, quarantine) }
        #expect(try run("cat", path.string) == "nnown-bad bytes")
        #expect(try quarantine.entries().isEmpty)
    }

    private func run(_ arguments: String..., in folder: FilePath) throws {
        let result = try runProgram(arguments, in: folder)
        try #require(result.status == 0, "\(arguments): \(result.errors)")
    }

    @Test func anotherNameThatIsMadeMeanwhileIsCountedOrSeen() throws {
        let path = try victim()
        let quarantine = try Quarantine(state: state)
        quarantine.before {
            if $0 == .removeOriginal {
                try self.run("sh", "-c", "ln \(self.victims)/.nodeguard-quarantine-* \(self.victims)/kept")
            }
        }
        #expect(try setAside(path, quarantine).remainingNames == 1)
        #expect(try names(victims) == ["kept"])
    }

    @Test func aFileThatCannotBeTakenAwayStaysAndNoCopyIsLeft() throws {
        let path = try victim()
        try run("chattr", "+i", path.string)
        defer { _ = try? runProgram(["chattr", "-i", path.string]) }
        let quarantine = try Quarantine(state: state)
        let error = #expect(throws: SystemCallError.self) { try setAside(path, quarantine) }
        #expect(error?.errno == .notPermitted)
        #expect(try names(victims) == ["victim"])
        #expect(try names(state.appending("quarantine")).isEmpty)
    }

    // MARK: No room

    @Test func aFullDiskLeavesTheOriginalAndNothingElse() throws {
        let path = try victim("large", String(repeating: "x", count: 3_000_000))
        let before = try portrait(path)
        try run("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", state.string)
        defer { _ = try? runProgram(["umount", state.string]) }
        let quarantine = try Quarantine(state: state)
        let error = #expect(throws: SystemCallError.self) { try setAside(path, quarantine) }
        #expect(error?.errno == .noSpace)
        #expect(try portrait(path) == before)
        #expect(try names(state.appending("quarantine")).isEmpty)
    }

    @Test func aFullDiskAtRestoreLeavesTheQuarantine() throws {
        let path = try victim("large", String(repeating: "x", count: 3_000_000))
        let quarantine = try Quarantine(state: state)
        let id = try setAside(path, quarantine).id
        try run("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", victims.string)
        defer { _ = try? runProgram(["umount", victims.string]) }
        #expect(throws: SystemCallError.self) { _ = try quarantine.restore(id, to: nil) }
        #expect(try names(victims).isEmpty)
        _ = try quarantine.restore(id, to: scratch.path.appending("there"))
        #expect(try run("wc", "-c", "\(scratch.path)/there").hasPrefix("3000000 "))
    }

    // MARK: Restoring

    @Test(arguments: ["file", "folder", "link", "dangling"])
    func nothingIsOverwritten(_ what: String) throws {
        let path = try victim()
        let quarantine = try Quarantine(state: state)
        let id = try setAside(path, quarantine).id
        switch what {
        case "file": _ = try victim("victim", "mine")
        case "folder": try makeFolder(path, permissions: .ownerReadWriteExecute)
        case "link": try run("ln", "-s", "/etc/hostname", path.string)
        default: try run("ln", "-s", "\(scratch.path)/nowhere", path.string)
        }
        let before = try run("ls", "-la", "--time-style=full-iso", victims.string)
        #expect(throws: RestoreFailure.self) { _ = try quarantine.restore(id, to: nil) }
        #expect(try run("ls", "-la", "--time-style=full-iso", victims.string) == before)
        #expect(!exists(scratch.path.appending("nowhere")))
        #expect(try quarantine.entries().count == 1)
    }

    @Test func noLinkIsFollowedOnTheWay() throws {
        let path = try scratch.write("victims/deep/er/file", "bad")
        let quarantine = try Quarantine(state: state)
        let id = try setAside(path, quarantine).id
        try run("rm", "-r", "\(victims)/deep")
        try run("mkdir", "-p", "\(scratch.path)/elsewhere/er")
        try run("ln", "-s", "\(scratch.path)/elsewhere", "\(victims)/deep")
        #expect(throws: RestoreFailure.self) { _ = try quarantine.restore(id, to: nil) }
        #expect(try names(scratch.path.appending("elsewhere/er")).isEmpty)
        try run("rm", "\(victims)/deep")
        #expect(throws: RestoreFailure.self) { _ = try quarantine.restore(id, to: nil) }
        try run("mkdir", "-p", "\(victims)/deep/er")
        #expect(try quarantine.restore(id, to: nil).place == path)
    }

    @Test func damagedContentIsNotRestored() throws {
        let path = try victim()
        let quarantine = try Quarantine(state: state)
        let id = try setAside(path, quarantine).id
        try run("dd", "if=/dev/zero", "of=\(state)/quarantine/\(id)/content", "bs=1", "count=3", "conv=notrunc")
        #expect(throws: RestoreFailure.self) { _ = try quarantine.restore(id, to: nil) }
        #expect(!exists(path))
        try quarantine.delete(id)
        #expect(try names(state.appending("quarantine")).isEmpty)
    }

    @Test(arguments: [
        "", "{}", "[", #"{"schema":1}"#, "\u{0}\u{0}", String(repeating: "[", count: 100_000),
    ])
    func aDamagedManifestIsToldAndDeletable(_ text: String) throws {
        let quarantine = try Quarantine(state: state)
        let id = try setAside(try victim(), quarantine).id
        try scratch.write("state/quarantine/\(id)/manifest.json", text)
        let entry = try #require(try quarantine.entries().first)
        #expect(throws: MalformedManifest.self) { _ = try entry.manifest.get() }
        #expect(throws: MalformedManifest.self) { _ = try quarantine.restore(id, to: nil) }
        try quarantine.delete(id)
        #expect(try quarantine.entries().isEmpty)
    }

    /// A manifest with one value of another's choice.
    @Test(arguments: [
        #"s/"permissions" : [0-9]*/"permissions" : 65535/"#, #"s/"nanoseconds" : [0-9]*/"nanoseconds" : 4000000000/"#,
        #"s/"place" : ".*"/"place" : "Li4vLi4vZXRjL3g="/"#, #"s/"place" : ".*"/"place" : "L2EvLi4vYg=="/"#,
        #"s/"place" : ".*"/"place" : ""/"#, #"s/"key" : ".*"/"key" : "AAAA"/"#, #"s/"size" : [0-9]*/"size" : -1/"#,
        #"s/"schema" : 1/"schema" : 2/"#,
    ])
    func aForgedManifestIsRefused(_ edit: String) throws {
        let quarantine = try Quarantine(state: state)
        let id = try setAside(try victim(), quarantine).id
        try run("sed", "-i", edit, "\(state)/quarantine/\(id)/manifest.json")
        #expect(throws: MalformedManifest.self) { _ = try quarantine.restore(id, to: nil) }
    }

    @Test func aQuarantineThatOthersCanChangeIsRefused() throws {
        _ = try Quarantine(state: state)
        try run("chmod", "770", "\(state)/quarantine")
        #expect(throws: UnsafeQuarantine.self) { _ = try Quarantine(state: state) }
    }

    // MARK: Killed

    /// Killed before every step: the original or a complete copy is there, and the next start cleans up and tells.
    @Test(arguments: Quarantine.Step.allCases, [1, 2])
    func killedAtAnyStep(_ step: Quarantine.Step, _ visit: Int) throws {
        let path = try victim("large", String(repeating: "content ", count: 100_000))
        let before = try portrait(path)
        let probe = try builtProgram("quarantine-probe")
        let killed = try runProgram([probe, state.string, path.string, step.rawValue, "\(visit)"])
        // Only copying has a second visit.
        guard visit == 1 || step == .copyPiece else {
            #expect(killed.end == .exited(0))
            return
        }
        #expect(killed.end == .signalled(SIGKILL))
        let told = try run(probe, state.string, "recover")
        let quarantine = try Quarantine(state: state)
        let entries = try quarantine.entries()
        if entries.isEmpty {
            #expect(told.isEmpty)
            #expect(try names(state.appending("quarantine")).isEmpty)
            #expect(try portrait(path) == before)
        } else {
            #expect(told == "\(entries[0].id) \(path)\n")
            #expect(!exists(path))
            _ = try quarantine.restore(entries[0].id, to: nil)
            #expect(try portrait(path) == before)
        }
        #expect(try names(victims) == ["large"])
        #expect(try run(probe, state.string, "recover").isEmpty)
    }
}
