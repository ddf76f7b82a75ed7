import Config
import Testing

/// `config explain` and the reference: one declaration for each key, found however it is written.
@Suite struct DocumentationTests {
    @Test(arguments: [
        "scan.targets[].paths", "scan.targets.paths", "scan.targets[system].paths", "scan.targets[0].paths",
    ])
    func aKeyIsFoundHoweverItsListIsWritten(_ key: String) throws {
        let documentation = try #require(KeyDocumentation.of(key))
        #expect(documentation.key == "scan.targets[].paths")
        #expect(documentation.required)
        #expect(documentation.type == "list of paths")
        #expect(documentation.builtIn == nil)
        #expect(documentation.limits == "a list of at least one")
    }

    @Test func aKeyHasItsDefaultAndWhatIsAllowed() throws {
        let lease = try #require(KeyDocumentation.of("policy.gate.lease"))
        #expect(lease.builtIn == "5s")
        #expect(lease.limits == "from 1s to 1m")
        let mode = try #require(KeyDocumentation.of("policy.gate.mode"))
        #expect(mode.allowed == "observe, enforce or disabled")
        #expect(try #require(KeyDocumentation.of("policy.gate")).keys.first == "mode")
    }

    @Test(arguments: [
        ("policy.gate.leas", ["policy.gate.lease"]), ("lease", ["policy.gate.lease"]),
        ("scan.target", ["scan.targets"]), ("gate.mode", ["policy.gate.mode"]), ("qqqqqqqqqqqq", []),
    ])
    func aKeyThatIsNotThereLeadsToTheNearest(_ given: String, _ near: [String]) {
        #expect(KeyDocumentation.of(given) == nil)
        #expect(KeyDocumentation.near(given) == near)
    }

    @Test func everyKeyIsDocumented() {
        for entry in KeyDocumentation.all {
            #expect(entry.text.hasSuffix("."), "\(entry.key): \(entry.text)")
            #expect(entry.keys.isEmpty != (entry.allowed == nil), "\(entry.key)")
        }
        #expect(Set(KeyDocumentation.all.map(\.key)).count == KeyDocumentation.all.count)
    }
}
