import Config
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Reading the real files: which ones, in which order, and what keeps them from being read.
@Suite struct ReadTests {
    @Test func theMainFileAndTheFragmentsInByteOrder() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "policy: {gate: {lease: 2s, settle: 1s}}\n")
        try folder.write("conf.d/a.yaml", "policy: {gate: {lease: 5s}}\n")
        try folder.write("conf.d/Z.yaml", "policy: {gate: {lease: 4s}}\n")
        try folder.write("conf.d/10.yaml", "policy: {gate: {lease: 3s}}\n")
        try folder.write("conf.d/.a.yaml", "not read\n")
        try folder.write("conf.d/b.yaml~", "not read\n")
        try folder.write("conf.d/README", "not read\n")
        let loaded = try readConfiguration(at: main)
        #expect(loaded.settings.policy.gate.lease == "5s")
        #expect(loaded.settings.policy.gate.settle == "1s")
        #expect(loaded.files.compactMap { $0.lastComponent?.string } == ["n.yaml", "10.yaml", "Z.yaml", "a.yaml"])
        #expect(loaded.warnings.isEmpty)
    }

    @Test func aLinkToAFileIsReadAsKubernetesMountsThem() throws {
        let folder = try TemporaryFolder()
        try folder.write("..data/n.yaml", "journal: {enabled: false}\n")
        try #require(try runProgram(["/bin/ln", "-s", "..data/n.yaml", "n.yaml"], in: folder.path).status == 0)
        #expect(try !readConfiguration(at: folder.path.appending("n.yaml")).settings.journal.enabled)
    }

    @Test func aMissingMainFileIsAnErrorAndTheDefaultsAreNotTaken() throws {
        let folder = try TemporaryFolder()
        let main = folder.path.appending("n.yaml")
        let error = #expect(throws: RejectedConfiguration.self) { try readConfiguration(at: main) }
        #expect(
            error?.description
                == "\(main): error: there is no such file; create it (an empty one means the defaults), or name another with "
                + "--config")
    }

    @Test(arguments: ["folder", "fifo", "dangling"])
    func whatIsNoFileIsRefusedAndNeverWaitedFor(_ kind: String) throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "")
        try folder.write("conf.d/a.yaml", "")
        let odd = folder.path.appending("conf.d/b.yaml").string
        let command = [
            "folder": ["/bin/mkdir"], "fifo": ["/usr/bin/mkfifo"], "dangling": ["/bin/ln", "-s", "nowhere"],
        ]
        try #require(try runProgram(try #require(command[kind]) + [odd]).status == 0)
        let error = #expect(throws: RejectedConfiguration.self) { try readConfiguration(at: main) }
        let expected =
            kind == "dangling"
            ? "there is no such file; create it (an empty one means the defaults), or name another with --config"
            : "this is not a file; a configuration is read from regular files only"
        #expect(error?.description == "\(odd): error: \(expected)")
    }

    @Test func aConfDThatIsNoFolderIsRefused() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "")
        let odd = try folder.write("conf.d", "")
        let error = #expect(throws: RejectedConfiguration.self) { try readConfiguration(at: main) }
        #expect(error?.description == "\(odd): error: cannot read the folder \(odd): Not a directory (opendir)")
    }

    @Test func aFileLargerThanMemoryIsRefusedWithoutBeingRead() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "")
        #expect(unsafe main.withPlatformString { unsafe truncate($0, 1 << 40) } == 0)
        let error = #expect(throws: RejectedConfiguration.self) { try readConfiguration(at: main) }
        #expect(error?.description == "\(main): error: the file is larger than 256 KiB: it can't be a configuration")
    }

    @Test func filesThatOthersMayChangeAndOnesThatAreNotReadAreTold() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "", permissions: FilePermissions(rawValue: 0o666))
        let other = try folder.write("conf.d/a.yml", "")
        #expect(
            try readConfiguration(at: main).warnings.map(\.description) == [
                "\(main): warning: every user may write to this file: run chmod o-w on it",
                "\(other): warning: this file is not read: its name must end in .yaml",
            ])
    }

    @Test func aFileOfAnotherUserIsTold() throws {
        try #require(geteuid() == 0, "only root can give a file away")
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "")
        #expect(unsafe main.withPlatformString { unsafe chown($0, 65534, 65534) } == 0)
        #expect(
            try readConfiguration(at: main).warnings.map(\.description) == [
                "\(main): warning: this file belongs to the user 65534, who can change it at any time: run chown root on it"
            ])
    }

    @Test func aNameThatIsNotUTF8IsReadAndPrintedSafely() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "")
        try folder.write("conf.d/a.yaml", "journal: {enabled: 5}\n")
        let renamed = try runProgram(
            ["/bin/sh", "-c", "mv a.yaml \"$(printf 'a\\377\\033.yaml')\""], in: folder.path.appending("conf.d"))
        try #require(renamed.status == 0)
        let error = #expect(throws: RejectedConfiguration.self) { try readConfiguration(at: main) }
        #expect(
            error?.description
                == "\(folder.path)/conf.d/a\\xff\\x1b.yaml:1:20: error: journal.enabled: 5 is not a boolean: write true or "
                + "false")
    }
}
