import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// In /tmp anybody can make the folder in which a scan would unpack, before it does. Needs root, to give a folder away.
@Suite struct ForeignScratchTests {
    @Test(arguments: ["ln -s victim parent", "mkdir parent; chown 65534 parent", "mkdir parent; chmod 777 parent"])
    func aFolderThatIsNotOursAloneIsNotUsed(_ prepare: String) throws {
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        try house.shell("cd ..; mkdir -p victim/scan-AAAAAA; echo precious > victim/scan-AAAAAA/file; \(prepare)")
        let result = try house.session { $0.scratchParent = house.folder.path.appending("parent") }
        #expect(result.status != 0)
        #expect(result.errors.contains("it is not this user's alone"))
        #expect(exists(house.folder.path.appending("victim/scan-AAAAAA/file")))
    }

    /// What is left of an earlier scan is removed; a link in such a place is not followed.
    @Test func aLinkInTheFolderIsNotEmptied() throws {
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        try house.shell(
            "cd ..; mkdir -m 700 parent victim; touch victim/file; ln -s \"$PWD/victim\" parent/scan-AAAAAA")
        let result = try house.session { $0.scratchParent = house.folder.path.appending("parent") }
        #expect(result.outcome("bad") == .bad)
        #expect(exists(house.folder.path.appending("victim/file")))
    }

    @Test func removingATreeDoesNotFollowALinkInItsPlace() throws {
        let folder = try TemporaryFolder()
        try folder.write("victim/file", "precious")
        _ = try runProgram(["/bin/ln", "-s", "victim", folder.path.appending("link").string])
        #expect(throws: SystemCallError.self) { try removeTree(folder.path.appending("link")) }
        #expect(exists(folder.path.appending("victim/file")))
    }
}
