import Config
import SystemPackage
import TestSupport
import Testing

/// The strict loader of profiles, and validators that name one.
@Suite struct ProfileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What loading one profile of this text tells.
    private func problems(_ text: String, name: String = "x.yaml") throws -> [String] {
        let file = try folder.write("p/\(name)", text)
        let profiles = readProfiles(in: [file.removingLastComponent()])
        return profiles.problems.map { $0.description.replacing("\(folder.path)/p/", with: "") }
    }

    @Test func aProfileIsReadWhole() throws {
        let text = """
            about: a client
            ports: [tcp/9000, udp/9000]
            neverExposed: [{port: tcp/5052, what: its API}]
            knownBy: ["**/client/db"]
            keys: {secrets: [a.key, "**/b/*"], records: [c.db], secretsInFolders: [key]}
            chainData: {immutable: ["**/db/*.sst"], mutable: ["**/db/**"]}
            """
        #expect(try problems(text) == [])
        let profile = try #require(readProfiles(in: [folder.path.appending("p")])["x"])
        #expect(profile.about == "a client")
        #expect(profile.ports == ["tcp/9000", "udp/9000"])
        #expect(profile.neverExposed.map(\.port) == ["tcp/5052"])
        #expect(profile.neverExposed.map(\.what) == ["its API"])
        #expect(profile.knownBy == ["**/client/db"])
        #expect(profile.keys.secrets == ["a.key", "**/b/*"])
        #expect(profile.keys.records == ["c.db"])
        #expect(profile.keys.secretsInFolders == ["key"])
        #expect(profile.chainData.immutable == ["**/db/*.sst"])
        #expect(profile.chainData.mutable == ["**/db/**"])
    }

    @Test func theExampleOfTheDocumentationIsAProfile() throws {
        let page = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .appending("docs/profiles.md")
        let text = try runProgram(["/bin/cat", page.string]).output
        let start = try #require(text.firstRange(of: "about: Example"))
        let rest = text[start.lowerBound...]
        let end = try #require(rest.firstRange(of: "```"))
        #expect(try problems(String(rest[..<end.lowerBound])) == [])
    }

    static let bad = [
        Bad("ports: []\n", "x.yaml:1:1: error: the required key \"about\" is missing"),
        Bad(
            "about: a\nports: []\nkey: {secrets: []}\n",
            "x.yaml:3:1: error: key: unknown key; did you mean keys? the keys here are about, ports, neverExposed, knownBy, "
                + "processes, keys, chainData"),
        Bad(
            "about: a\nports: []\nprocesses: [{program: java}]\n",
            "x.yaml:3:14: error: processes[0].program: java runs programs of every kind; say in argument by which of its "
                + "arguments the client is known"),
        Bad(
            "about: a\nports: []\nprocesses: [{program: \"*\"}]\n",
            "x.yaml:3:23: error: processes[0].program: \"*\" is not a program: it would fit programs of anybody"),
        Bad(
            "about: a\nports: []\nprocesses: [{program: /usr/bin/geth}]\n",
            "x.yaml:3:23: error: processes[0].program: \"/usr/bin/geth\" is not a program: write the name of an executable "
                + "without folders, or a pattern with * and ?, as in beacon-chain-*"),
        Bad(
            "about: a\nports: []\nkeys:\n  secret: [a]\n",
            "x.yaml:4:3: error: keys.secret: unknown key; did you mean secrets? the keys here are secrets, records, "
                + "secretsInFolders"),
        Bad(
            "about: a\nports: []\nimmutable: [a]\n",
            "x.yaml:3:1: error: immutable: unknown key; it belongs to chainData; the keys here are about, ports, "
                + "neverExposed, knownBy, processes, keys, chainData"),
        Bad(
            "about: a\nports: [9000]\n",
            "x.yaml:2:9: error: ports[0]: \"9000\" is not a port: the protocol is missing: write tcp/9000 or udp/9000"),
        Bad(
            "about: a\nports: [tcp/8551]\n",
            "x.yaml:2:9: error: ports[0]: tcp/8551 is an execution client's engine API, where no peer belongs; remove it"
        ),
        Bad(
            "about: a\nports: [tcp/7]\nneverExposed: [{port: tcp/7, what: b}]\n",
            "x.yaml:3:17: error: neverExposed[0].port: tcp/7 is in ports too; it is either for peers or for this machine "
                + "alone"),
        Bad(
            "about: a\nports: []\nkeys: {secrets: [keys/a]}\n",
            "x.yaml:3:18: error: keys.secrets[0]: \"keys/a\" is not a file pattern: nobody knows where the data lies: "
                + "begin it with **/"),
        Bad(
            "about: a\nports: []\nkeys: {secrets: [\"*.json\"]}\n",
            "x.yaml:3:18: error: keys.secrets[0]: \"*.json\" is not a file pattern: it would fit files of anybody; name a "
                + "folder or a part of the name"),
        Bad(
            "about: a\nports: []\nkeys: {secrets: [\"**/a**/b\"]}\n",
            "x.yaml:3:18: error: keys.secrets[0]: \"**/a**/b\" is not a file pattern: ** stands for whole folders, so it "
                + "must be a name of its own"),
        Bad(
            "about: a\nports: []\nkeys: {secrets: [\"a[0-9]\"]}\n",
            "x.yaml:3:18: error: keys.secrets[0]: \"a[0-9]\" is not a file pattern: brackets, braces and backslashes mean "
                + "nothing here; only * and ? do"),
    ]

    @Test(arguments: bad) func whatIsWrongIsToldWithItsPlace(_ bad: Bad) throws {
        #expect(try problems(bad.input) == bad.expected)
    }

    @Test func theNameOfTheFileIsTheProfilesName() throws {
        #expect(
            try problems("about: a\nports: []\n", name: "_x.yaml").first?.hasPrefix(
                "_x.yaml: error: the file's name is the profile's: \"_x\" is not a name") == true)
        #expect(
            try problems("about: a\nports: []\n", name: "y.yml").contains(
                "y.yml: warning: this file is not read: its name must end in .yaml"))
    }

    @Test func aMissingFolderIsAWarningAndABrokenProfileMakesTheConfigurationWrong() throws {
        let missing = readProfiles(in: [folder.path.appending("none")])
        #expect(missing.all.isEmpty)
        #expect(missing.problems.map(\.severity) == [.warning])
        #expect(try load("", profiles: missing).warnings == missing.problems)

        try folder.write("p/x.yaml", "ports: []\n")
        let broken = readProfiles(in: [folder.path.appending("p")])
        let error = #expect(throws: RejectedConfiguration.self) {
            try load("validators: [{name: a, profile: x}]\n", profiles: broken)
        }
        // Not «there is no profile x» as well: it is there.
        #expect(error?.problems == broken.problems)
    }

    @Test func aLaterFolderTakesThePlaceOfAPackagedProfile() throws {
        try folder.write("p/x.yaml", "about: packaged\nports: [tcp/1]\n")
        try folder.write("p/y.yaml", "about: packaged\nports: [tcp/2]\n")
        try folder.write("own/x.yaml", "about: mine\nports: [tcp/3]\n")
        let profiles = readProfiles(
            in: [folder.path.appending("p"), folder.path.appending("own"), folder.path.appending("none")])
        #expect(profiles.problems.isEmpty)
        #expect(profiles.all.map { "\($0.name) \($0.about) \($0.ports)" } == ["x mine [tcp/3]", "y packaged [tcp/2]"])
    }

    // MARK: Validators

    private let some = Profiles([
        Profile(name: "peer", ports: ["tcp/9000", "udp/9000"]), Profile(name: "signer"),
    ])

    @Test func aValidatorWithoutPortsTakesThoseOfItsProfile() throws {
        let loaded = try load(
            "validators: [{name: a, profile: peer}, {name: b, profile: peer, ports: [tcp/9100]}, {name: c, ports: [tcp/7]}]",
            profiles: some)
        #expect(
            loaded.settings.validators.map(loaded.ports(of:)) == [["tcp/9000", "udp/9000"], ["tcp/9100"], ["tcp/7"]])
    }

    @Test func aProfileWithoutPortsNeedsPorts() {
        #expect(
            ConfigTests.problems("validators:\n- {name: a, profile: signer}\n", profiles: some) == [
                "main.yaml:2:13: error: validators[a].profile: the profile signer has no ports on which peers come, so the "
                    + "gate would have nothing to shut; add ports, or leave this validator out"
            ])
        #expect(
            ConfigTests.problems("validators:\n- {name: a, profile: signer, ports: [tcp/7]}\n", profiles: some) == [])
    }

    @Test func twoValidatorsCannotHaveTheSamePortFromTheirProfiles() {
        #expect(
            ConfigTests.problems(
                "validators:\n- {name: a, ports: [tcp/9000]}\n- {name: b, profile: peer}\n", profiles: some) == [
                    "main.yaml:3:13: error: validators[b].ports[0]: tcp/9000 belongs to the validator a already, and can lead "
                        + "to one of them only"
                ])
    }

    @Test func theProfilesApiIsWarnedAbout() throws {
        try folder.write("p/x.yaml", "about: a\nports: [tcp/1]\nneverExposed: [{port: tcp/5052, what: its API}]\n")
        let profiles = readProfiles(in: [folder.path.appending("p")])
        #expect(
            ConfigTests.problems("validators:\n- {name: a, profile: x, ports: [tcp/5052]}\n", profiles: profiles) == [
                "main.yaml:2:33: warning: validators[a].ports[0]: tcp/5052 is usually its API, which must never be reachable "
                    + "from outside, whether the gate is open or shut: let it listen on 127.0.0.1 only"
            ])
    }
}
