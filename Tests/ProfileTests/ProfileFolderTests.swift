import SystemPackage
import TestSupport
import Testing

/// Where the real program looks for profiles.
@Suite("Folders of profiles")
struct ProfileFolderTests {
    private let house: TemporaryFolder
    private let main: FilePath

    init() throws {
        house = try TemporaryFolder()
        main = try house.write("etc/nodeguard.yaml", "validators: [{name: a, profile: mine}]\n")
    }

    /// What `config check` says on stderr, with the house's path left out.
    private func check(_ program: String) throws -> [String] {
        let result = try runProgram([program, "config", "check", main.string])
        return result.errors.split(separator: "\n").map { String($0).replacing("\(house.path)/", with: "") }
    }

    @Test("An installed program reads its package's, and those beside the configuration over them")
    func installed() throws {
        let program = "\(house.path)/usr/bin/nodeguard"
        let made = try runProgram(
            [
                "/bin/sh", "-euc", "mkdir -p usr/bin && cp \"$1\" usr/bin/nodeguard", "sh", builtProgram("nodeguard"),
            ], in: house.path)
        try #require(made.status == 0, "\(made.errors)")
        #expect(
            try check(program) == [
                "etc/nodeguard.yaml:1:24: error: validators[a].profile: there is no profile mine: no profiles were found; "
                    + "install nodeguard again, or write ports instead",
                "usr/share/nodeguard/profiles: warning: there are no profiles in this folder: keys are recognised by the "
                    + "built-in patterns only; install nodeguard again",
                "etc/nodeguard.yaml: not valid: 1 error",
            ])
        try house.write("usr/share/nodeguard/profiles/mime.yaml", "about: packaged\nports: [tcp/7]\n")
        #expect(
            try check(program).first
                == "etc/nodeguard.yaml:1:24: error: validators[a].profile: there is no profile mine: did you mean mime? there "
                + "are mime")
        try house.write("etc/profiles/mine.yaml", "about: mine\nports: [tcp/7]\n")
        #expect(try check(program) == [])
    }

    @Test("A program in a build folder reads those of its sources")
    func built() throws {
        #expect(try check(builtProgram("nodeguard")).first?.contains("there are berachain, besu, erigon, geth") == true)
    }
}
