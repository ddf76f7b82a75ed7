import Agent
import Config
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// The profiles in config/profiles, as they are shipped.
let packagedFolder = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    .appending("config/profiles")
let packaged = readProfiles(in: [packagedFolder])

/// How a scan recognises files with the packaged profiles and these folders of validators.
func packagedFiles(folders: [FilePath] = []) throws -> ValidatorFiles {
    var configuration = "scan: {targets: ["
    for folder in folders { configuration += "{name: v, kind: validators, paths: [\"\(folder)\"]}" }
    if folders.isEmpty { configuration += "{name: s, paths: [/]}" }
    configuration += "]}\n"
    return ValidatorFiles(
        try loadConfiguration(
            main: ConfigurationFile(path: "main.yaml", bytes: Array(configuration.utf8)), profiles: packaged))
}

@Suite("The packaged profiles")
struct PackagedProfileTests {
    @Test("All of them load, and nothing is wrong or doubtful about any")
    func load() {
        #expect(packaged.problems.map(\.description) == [])
        #expect(Set(packaged.names) == Set(clientTrees.map(\.profile)))
    }

    @Test("Each says what a validator needs to know", arguments: packaged.names)
    func areWhole(name: String) throws {
        let profile = try #require(packaged[Name(parsing: name)])
        #expect(profile.name == "web3signer" ? profile.ports.isEmpty : !profile.ports.isEmpty)
        #expect(!profile.neverExposed.isEmpty)
        #expect(!profile.knownBy.isEmpty)
        #expect(!profile.processes.isEmpty)
        #expect(!profile.keys.secrets.isEmpty)
    }

    @Test(
        "A running client is known by its program, and each by one profile only",
        arguments: [
            ("geth", [], "geth"), ("bera-geth", [], "geth"), ("lighthouse", ["bn"], "lighthouse"),
            ("beacond", ["start"], "berachain"), ("nimbus_beacon_node", [], "nimbus"), ("beacon-chain", [], "prysm"),
            ("beacon-chain-v5.0.3-linux-amd64", [], "prysm"), ("validator", ["--wallet-dir=/w"], "prysm"),
            ("validator", [], nil), ("java", ["-cp", "x", "tech.pegasys.teku.Teku", "--network=mainnet"], "teku"),
            ("java", ["-Dbesu.home=/opt", "org.hyperledger.besu.Besu"], "besu"),
            ("java", ["tech.pegasys.web3signer.Web3SignerApp", "eth2"], "web3signer"),
            ("java", ["-jar", "x.jar"], nil),
            ("node", ["/usr/app/packages/cli/bin/lodestar", "beacon"], "lodestar"), ("node", ["server.js"], nil),
            ("nethermind", [], "nethermind"), ("reth", ["node"], "reth"), ("erigon", [], "erigon"), ("bash", [], nil),
        ] as [(String, [String], String?)])
    func processes(program: String, arguments: [String], profile: String?) {
        let found = packaged.all.filter { $0.processes.contains { $0.matches(program: program, arguments: arguments) } }
        #expect(found.map(\.name.text) == [profile].compactMap(\.self))
    }

    @Test("RPC and engine API are never among the ports that the gate opens")
    func neverExposed() {
        for profile in packaged.all {
            for local: Port in ["tcp/8545", "tcp/8546", "tcp/8551", "tcp/26657"] {
                #expect(!profile.ports.contains(local), "\(profile.name)")
            }
        }
    }

    @Test("Every key and every part of the chain of a client is recognised, and nothing else", arguments: clientTrees)
    func recognised(tree: ClientTree) throws {
        let matcher = ValidatorFileMatcher(try packagedFiles())
        for (name, expected) in tree.files {
            #expect(matcher(Array("/var/lib/storage/pvc-1/\(name)".utf8)) == expected, "\(tree.profile): \(name)")
        }
    }

    @Test("A client's own data is what its profile alone recognises", arguments: clientTrees)
    func byItsOwnProfile(tree: ClientTree) throws {
        let profile = try #require(packaged[Name(parsing: tree.profile)])
        let matcher = ValidatorFileMatcher(
            ValidatorFiles(
                secrets: profile.keys.secrets.map(\.text), records: profile.keys.records.map(\.text),
                immutableChainData: profile.chainData.immutable.map(\.text),
                mutableChainData: profile.chainData.mutable.map(\.text)))
        for (name, expected) in tree.files where expected != nil {
            #expect(matcher(Array("/x/\(name)".utf8)) == expected, "\(tree.profile): \(name)")
        }
        let known = profile.knownBy.map { PathGlob($0.text) }
        let paths = tree.files.keys.flatMap { name -> [[UInt8]] in
            let names = "/x/\(name)".split(separator: "/")
            return (1...names.count).map { Array(("/" + names.prefix($0).joined(separator: "/")).utf8) }
        }
        #expect(known.contains { pattern in paths.contains { pattern.matches($0) } }, "nothing tells \(tree.profile)")
    }

    @Test("Files of anybody are not taken for a validator's", arguments: everydayFiles)
    func everyday(name: String) throws {
        #expect(try ValidatorFileMatcher(packagedFiles(folders: ["/data"]))(Array("/\(name)".utf8)) == nil)
    }

    @Test("Common names are keys in the validators' folders and nowhere else")
    func inFolders() throws {
        let matcher = ValidatorFileMatcher(try packagedFiles(folders: ["/data/"]))
        for name in ["key", "auth-token", "keys/a.yaml", "secrets/password", "passwords/a.txt", "validators.json"] {
            #expect(matcher(Array("/data/pvc/\(name)".utf8)) == .key(.secret), "\(name)")
            #expect(matcher(Array("/srv/pvc/\(name)".utf8)) == nil, "\(name)")
            #expect(matcher(Array("/database/\(name)".utf8)) == nil, "\(name)")
        }
        #expect(matcher.isInValidatorsFolder(Array("/data/x".utf8)))
        #expect(!matcher.isInValidatorsFolder(Array("/database/x".utf8)))
    }

    @Test("Without any profile the built-in patterns hold: no client's validator key is missed")
    func builtIn() {
        let matcher = ValidatorFileMatcher(ValidatorFiles())
        for name in [
            "validators/0x87/voting-keystore.json", "secrets/0x87", "keystore-m_12381_3600_0_0_0-1.json",
            "validators/0x87/keystore.json", "direct/accounts/all-accounts.keystore.json", "validator-keys/a.json",
            "key-manager/local/a.json", "keystores/0x87/voting-keystore.json", "keystore/UTC--1", "geth/nodekey",
            "config/priv_validator_key.json", "data/priv_validator_state.json", "validators/slashing_protection.sqlite",
        ] {
            let found = matcher(Array("/x/\(name)".utf8))
            #expect(found == .key(.secret) || found == .key(.record), "\(name)")
        }
    }
}

extension ClientTree: CustomTestStringConvertible {
    var testDescription: String { profile }
}
