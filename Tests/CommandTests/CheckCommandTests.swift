import SystemPackage
import TestSupport
import Testing

@Suite("nodeguard check")
struct CheckCommandTests {
    private func check(_ arguments: String...) throws -> ProgramResult {
        try runProgram([try builtProgram("nodeguard"), "check"] + arguments)
    }

    @Test func `without a VPN it fails, and says what to do`() throws {
        let result = try check()
        #expect(result.status == 1)
        let lines = result.output.split(separator: "\n")
        #expect(lines.first?.hasPrefix("FAIL: 5 checks") == true)
        for name in ["selinux.enforcing", "vpn.interface", "vpn.route.ipv4", "vpn.route.ipv6", "vpn.handshake"] {
            #expect(lines.contains { $0.contains(name) }, "\(name)")
        }
        #expect(result.output.contains("no interface is named wg0, nordlynx"))
        #expect(result.output.contains("next: connect the VPN"))
        #expect(!result.stdout.contains(0x1b))
    }

    @Test func `--brief is one line of at most 80 characters`() throws {
        let result = try check("--brief")
        #expect(result.status == 1)
        #expect(result.output.hasSuffix("\n"))
        #expect(result.output.hasPrefix("FAIL: "))
        #expect(result.output.count { $0 == "\n" } == 1)
        #expect(result.output.count <= 81)
    }

    @Test func `--json is one document that names its schema`() throws {
        let result = try check("--json")
        #expect(result.status == 1)
        let verdict = try runProgram(
            [
                "python3", "-c",
                "import json,sys; d=json.load(sys.stdin); "
                    + "print(d['schema'], d['verdict'], len(d['checks']), all(c['evidence'] for c in d['checks']))",
            ], input: result.stdout)
        #expect(verdict.output == "1 fail 5 True\n")
    }

    @Test func `it judges by the configuration that is named`() throws {
        let folder = try TemporaryFolder()
        let good = "policy: { selinux: { require: ignore }, vpn: { interfaces: [], ipv4: ignore, ipv6: ignore } }\n"
        let file = try folder.write("nodeguard.yaml", good)
        let result = try check("--brief", "--config", file.string)
        #expect(result.output == "PASS: 5 checks\n")
        #expect(result.status == 0)
        try folder.write("nodeguard.yaml", "policy: { vpm: {} }\n")
        let bad = try check("--config", file.string)
        #expect(bad.status == 2)
        #expect(bad.stdout.isEmpty)
        #expect(bad.errors.contains("did you mean"))
    }

    @Test func `wrong usage exits 64`() throws {
        #expect(try check("--json", "--brief").status == 64)
        #expect(try check("--nonsense").status == 64)
    }
}
