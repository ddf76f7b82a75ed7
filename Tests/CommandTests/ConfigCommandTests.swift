import SystemPackage
import TestSupport
import Testing

/// `nodeguard config …`, the real program with real files.
@Suite struct ConfigCommandTests {
    private func nodeguard(_ arguments: String...) throws -> ProgramResult {
        try runProgram([builtProgram("nodeguard")] + arguments)
    }

    @Test func checkOfAValidConfiguration() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "policy: {gate: {lease: 4s}}\n")
        try folder.write("conf.d/50-setup.yaml", "validators: [{name: a, ports: [tcp/8551]}]\n")
        let warning =
            "\(folder.path)/conf.d/50-setup.yaml:1:32: warning: validators[a].ports[0]: tcp/8551 is usually an execution "
            + "client's engine API, which must never be reachable from outside, whether the gate is open or shut: let it "
            + "listen on 127.0.0.1 only\n"
        for arguments in [["config", "check", main.string], ["config", "check", "--config", main.string]] {
            let result = try runProgram([builtProgram("nodeguard")] + arguments)
            #expect(result.status == 0)
            #expect(result.output == "\(main): valid (2 files, 1 warning)\n")
            #expect(result.errors == warning)
        }
    }

    @Test func checkOfAnInvalidConfigurationTellsEverythingAndExitsWith2() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "journal:\n  enabled: yes\nscan:\n  worker: 3\n")
        let result = try nodeguard("config", "check", main.string)
        #expect(result.status == 2)
        #expect(result.output == "")
        #expect(
            result.errors == """
                \(main):2:12: error: journal.enabled: yes is a text in YAML 1.2, not a boolean: write true
                \(main):4:3: error: scan.worker: unknown key; did you mean workers? the keys here are signatures, schedule, \
                window, reverify, workers, throttle, action, targets
                \(main): not valid: 2 errors

                """)
    }

    @Test func checkAsJSON() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "journal:\n  enabled: yes\n")
        let bad = try nodeguard("config", "check", "--json", main.string)
        #expect(bad.status == 2)
        #expect(bad.errors == "")
        #expect(
            bad.output == """
                {
                  "problems" : [
                    {
                      "column" : 12,
                      "file" : "\(main)",
                      "key" : "journal.enabled",
                      "line" : 2,
                      "message" : "yes is a text in YAML 1.2, not a boolean: write true",
                      "severity" : "error"
                    }
                  ],
                  "schema" : 1,
                  "valid" : false
                }

                """)
        try folder.write("n.yaml", "")
        let good = try nodeguard("config", "check", "--json", main.string)
        #expect(good.status == 0)
        #expect(good.output.contains("\"valid\" : true"))
    }

    @Test func showPrintsWhatIsInForceWithItsOrigins() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "policy:\n  gate:\n    lease: 4s\n")
        let fragment = try folder.write("conf.d/a.yaml", "\njournal: {enabled: false}\n")
        let shown = try nodeguard("config", "show", "--config", main.string)
        #expect(shown.status == 0)
        #expect(shown.errors == "")
        let lines = shown.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("lease: 4s # \(main):3"))
        #expect(lines.contains("enabled: false # \(fragment):2"))
        #expect(lines.contains("settle: 3s # default"))
        #expect(lines.contains("- name: system # default"))

        // What was shown, given back, means the same.
        let again = try TemporaryFolder()
        let copy = try again.write("n.yaml", shown.output)
        func values(_ main: FilePath) throws -> String {
            let output = try nodeguard("config", "show", "--json", "--config", main.string).output
            let start = try #require(output.firstRange(of: "\"configuration\""))
            let end = try #require(output.firstRange(of: "\"files\""))
            return String(output[start.lowerBound..<end.lowerBound])
        }
        #expect(try values(copy) == values(main))
    }

    @Test func showAsJSONNamesThePlaces() throws {
        let folder = try TemporaryFolder()
        let main = try folder.write("n.yaml", "policy:\n  gate:\n    lease: 4s\n")
        let output = try nodeguard("config", "show", "--json", "--config", main.string).output
        #expect(output.contains("\"lease\" : \"4s\""))
        #expect(output.contains("\"bytesPerSecond\" : null"))
        #expect(output.contains("\"ioPressure\" : 10"))
        #expect(output.contains("\"schema\" : 1"))
        #expect(output.contains("\"policy.gate.lease\" : {\n      \"file\" : \"\(main)\",\n      \"line\" : 3\n"))
    }

    @Test func showOfAnInvalidConfigurationExitsWith2() throws {
        let result = try nodeguard("config", "show", "--config", "/nonexistent/n.yaml")
        #expect(result.status == 2)
        #expect(result.output == "")
        #expect(
            result.errors
                == "/nonexistent/n.yaml: error: there is no such file; create it (an empty one means the defaults), or name "
                + "another with --config\n")
    }

    @Test func explainTellsTypeDefaultAndWhatIsAllowed() throws {
        let result = try nodeguard("config", "explain", "policy.gate.lease")
        #expect(result.status == 0)
        #expect(
            result.output == """
                policy.gate.lease

                  How long after the agent's last sign of life the kernel shuts the ports by
                  itself.

                  Type:     duration
                  Default:  5s
                  Write:    a whole number and its unit (ms, s, m, h or d), as in 500ms, 15s,
                            10m, 24h or 30d
                  Must be:  from 1s to 1m

                """)
    }

    @Test func explainWithoutAKeyListsAll() throws {
        let lines = try nodeguard("config", "explain").output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("validators[].pod.name ") && $0.hasSuffix("pod name, required") })
        #expect(lines.contains { $0.hasPrefix("policy.gate.mode ") && $0.hasSuffix(" = observe") })
        #expect(lines.allSatisfy { $0.count <= 120 })
    }

    @Test func explainOfAWrongKeyIsWrongUsageAndNamesTheNearest() throws {
        let result = try nodeguard("config", "explain", "scan.targets[].pathes")
        #expect(result.status == 64)
        #expect(result.output == "")
        #expect(
            result.errors.hasPrefix(
                "Error: there is no key scan.targets[].pathes; did you mean scan.targets[].paths, paths?\n"))
    }

    @Test func wrongUsageExitsWith64() throws {
        #expect(try nodeguard("config", "check", "--nonsense").status == 64)
        #expect(try nodeguard("config", "nonsense").status == 64)
        #expect(try nodeguard("config", "explain", "--markdown", "--json").status == 64)
    }
}
