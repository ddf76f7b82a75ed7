import Journal
import LinuxSystem
import TestSupport
import Testing

/// Root in a unit or a pod has some of root's rights only. Needs root.
@Suite struct FewRightsTests {
    @Test(arguments: [
        // The engine may mount, and nobody may write what is another user's.
        "dac_read_search,+fowner,+setuid,+setgid,+setpcap,+sys_admin,+kill",
        // It may not mount, as under a container's AppArmor profile.
        "dac_read_search,+dac_override,+fowner,+chown,+setuid,+setgid,+setpcap,+kill",
    ])
    func aScanNeedsNoMoreThanTheseRights(rights: String) throws {
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        try house.shell("chown 1234 . bad; chmod 600 bad; chmod 700 .")
        let result = try house.session(under: ["/usr/bin/setpriv", "--inh-caps=-all", "--bounding-set=-all,+\(rights)"])
        #expect(result.outcome("bad") == .bad, "\(result.errors)")
        #expect(try house.scratch() == [])
    }
}
