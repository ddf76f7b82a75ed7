import Agent
import Config
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite("The last good configuration")
struct LastGoodConfigurationTests {
    private let folder: TemporaryFolder
    private var main: FilePath { folder.path.appending("nodeguard.yaml") }
    private var state: FilePath { folder.path.appending("state") }

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("state/.keep", "")
        try folder.write("packaged/geth.yaml", "about: geth\nports: [tcp/30303, udp/30303]\n")
        try folder.write("nodeguard.yaml", "validators: [{ name: el, profile: geth }]\n")
        try folder.write("conf.d/10-gate.yaml", "policy: { gate: { mode: enforce } }\n")
    }

    private func read() throws -> LoadedConfiguration {
        try readConfiguration(at: main, profiles: readProfiles(in: [folder.path.appending("packaged")]))
    }

    @Test func `what was kept is what was read, with its fragments and profiles, when the originals are gone`() throws {
        let loaded = try read()
        let store = LastGoodConfiguration(state: state)
        #expect(try store.load() == nil)
        try store.save(loaded)
        for name in ["nodeguard.yaml", "conf.d", "packaged"] {
            _ = try runProgram(["rm", "-r", folder.path.appending(name).string])
        }
        let kept = try #require(try LastGoodConfiguration(state: state).load())
        #expect(kept.settings == loaded.settings)
        #expect(kept.ports(of: kept.settings.validators[0]) == ["tcp/30303", "udp/30303"])
    }

    @Test func `another takes its place as a whole, and a half-written one is not used`() throws {
        let store = LastGoodConfiguration(state: state)
        try store.save(try read())
        _ = try runProgram(["rm", folder.path.appending("conf.d/10-gate.yaml").string])
        try folder.write("conf.d/20-other.yaml", "policy: { gate: { mode: disabled } }\n")
        // What a power cut in the middle of writing left.
        try folder.write("state/last-good.new/nodeguard.yaml", "half of")
        try store.save(try read())
        #expect(try store.load()?.settings.policy.gate.mode == .disabled)
        #expect(!exists(state.appending("last-good.new")))
        // And between the two renames.
        try folder.write("state/last-good.new/nodeguard.yaml", "half of")
        _ = try runProgram(["mv", state.appending("last-good").string, state.appending("last-good.former").string])
        #expect(try store.load()?.settings.policy.gate.mode == .disabled)
        try store.save(try read())
        #expect(try store.load()?.settings.policy.gate.mode == .disabled)
    }

    @Test func `damage is an error that names the file, not nothing`() throws {
        try LastGoodConfiguration(state: state).save(try read())
        try folder.write("state/last-good/conf.d/10-gate.yaml", "policy: [")
        let error = try #require(throws: RejectedConfiguration.self) { try LastGoodConfiguration(state: state).load() }
        #expect(error.description.contains("last-good/conf.d/10-gate.yaml"))
    }
}
