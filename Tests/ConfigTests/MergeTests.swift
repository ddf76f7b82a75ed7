import Config
import Testing

/// How several files become one configuration, and where each value is said to come from.
@Suite struct MergeTests {
    @Test func mappingsMergeDeepAndTheLastFileWins() throws {
        let loaded = try load(
            "policy: {gate: {lease: 4s, settle: 1s}}\n", "policy: {gate: {lease: 6s}}\n",
            "policy: {gate: {lease: 7s, mode: disabled}}\n")
        #expect(loaded.settings.policy.gate.lease == "7s")
        #expect(loaded.settings.policy.gate.settle == "1s")
        #expect(loaded.settings.policy.gate.mode == .disabled)
        #expect(loaded.settings.policy.gate.handover == "30s")
        #expect(loaded.origin(of: "policy.gate.lease").description == "2.yaml:1")
        #expect(loaded.origin(of: "policy.gate.settle").description == "main.yaml:1")
        #expect(loaded.origin(of: "policy.gate.handover") == .builtIn)
    }

    @Test func otherListsAreReplaced() throws {
        let loaded = try load(
            "policy: {vpn: {local: [10.0.0.0/8, 10.42.0.0/16]}}\n", "policy: {vpn: {local: [fd00::/8]}}\n")
        #expect(loaded.settings.policy.vpn.local == ["fd00::/8"])
    }

    @Test func namedThingsMergeByNameInTheirOrder() throws {
        let loaded = try load(
            "validators:\n- {name: a, ports: [tcp/1]}\n- {name: b, ports: [tcp/2], pod: {namespace: n, name: p}}\n",
            "validators:\n- {name: b, pod: {name: q}}\n- {name: c, ports: [tcp/3]}\n")
        #expect(loaded.settings.validators.map(\.name) == ["a", "b", "c"])
        #expect(loaded.settings.validators[1].ports == ["tcp/2"])
        #expect(loaded.settings.validators[1].pod == .init(namespace: "n", name: "q"))
        #expect(loaded.origin(of: "validators[b].ports").description == "main.yaml:3")
        #expect(loaded.origin(of: "validators[b].pod.name").description == "1.yaml:2")
    }

    @Test(arguments: ["", "scan:\n", "scan: {}\n", "---\n", "# nothing\n", "journal: {enabled: true}\n"])
    func aFragmentChangesABuiltInTargetAndLosesNone(_ main: String) throws {
        let loaded = try load(main, "scan:\n  targets:\n  - name: validators\n    paths: [/data]\n")
        var expected = Configuration()
        expected.scan.targets[1].paths = ["/data"]
        #expect(loaded.settings == expected)
        #expect(loaded.origin(of: "scan.targets[validators].paths").description == "1.yaml:4")
        #expect(loaded.origin(of: "scan.targets[validators].schedule") == .builtIn)
    }

    @Test func theMainFilesTargetsReplaceTheBuiltInOnes() throws {
        let loaded = try load(
            "scan: {targets: [{name: data, paths: [/data]}]}\n", "scan: {targets: [{name: b, paths: [/b]}]}\n")
        #expect(loaded.settings.scan.targets.map(\.name) == ["data", "b"])
    }

    @Test func aSlipInTheNameOfATargetIsToldWhereItIs() {
        do throws(RejectedConfiguration) {
            _ = try load("", "scan:\n  targets:\n  - name: validatrs\n    schedule: \"@daily\"\n")
            Issue.record("it was taken")
        } catch {
            #expect(
                error.description
                    == "1.yaml:3:5: error: scan.targets[validatrs]: the required key \"paths\" is missing; no earlier file has "
                    + "an item of this name")
        }
    }

    @Test func nullTakesBackWhatAnEarlierFileSaid() throws {
        let loaded = try load("scan: {window: \"01:00-07:00\"}\n", "scan: {window: null}\n")
        #expect(loaded.settings.scan.window == nil)
        #expect(loaded.origin(of: "scan.window").description == "1.yaml:1")
    }

    @Test func aMistakeThatOnlyArisesFromTwoFilesIsToldAtTheOneThatHasIt() {
        do throws(RejectedConfiguration) {
            _ = try load(
                "scan: {targets: [{name: t, paths: [/t], action: quarantine}]}\n",
                "scan: {targets: [{name: t, kind: validators}]}\n")
            Issue.record("it was taken")
        } catch {
            #expect(error.problems.map(\.key) == ["scan.targets[t].action"])
            #expect(error.problems[0].place?.description == "main.yaml:1:41")
        }
    }
}
