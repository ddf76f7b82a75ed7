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
        #expect(lines.first?.hasPrefix("FAIL: 9 checks") == true)
        for name in [
            "selinux.enforcing", "vpn.interface", "vpn.route.ipv4", "vpn.route.ipv6", "vpn.handshake",
            "keys.permissions", "signatures.age", "scan.age", "findings.open",
        ] {
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
        #expect(verdict.output == "1 fail 9 True\n")
    }

    @Test func `it judges by the configuration that is named`() throws {
        let folder = try TemporaryFolder()
        let good = "policy: { selinux: { require: ignore }, vpn: { interfaces: [], ipv4: ignore, ipv6: ignore } }\n"
        let places = "paths: { state: \(folder.path)/none }\nscan: { signatures: \(folder.path) }\n"
        let file = try folder.write("nodeguard.yaml", good + places)
        let result = try check("--config", file.string)
        let passed = result.output.split(separator: "\n").filter { $0.hasPrefix("PASS ") }
        #expect(passed.count == 5, "\(result.output)")
        #expect(result.output.contains("no scan has kept anything"))
        #expect(result.status == 1)
        try folder.write("nodeguard.yaml", "policy: { vpm: {} }\n")
        let bad = try check("--config", file.string)
        #expect(bad.status == 2)
        #expect(bad.stdout.isEmpty)
        #expect(bad.errors.contains("did you mean"))
    }

    @Test func `without root the state is unknown, and it says why`() throws {
        let folder = try TemporaryFolder()
        let text = """
            policy: { selinux: { require: ignore }, vpn: { interfaces: [], ipv4: ignore, ipv6: ignore } }
            paths: { state: \(folder.path)/state }
            scan: { signatures: /var/lib/clamav }
            """
        let file = try folder.write("nodeguard.yaml", text)
        try folder.write("state/metrics.json", "{}")
        try folder.write("state/findings.db", "")
        let script =
            "chmod 755 \"$1\"; chmod 700 \"$1/state\"; exec setpriv --reuid 65534 --regid 65534 --clear-groups "
            + "\"$2\" check --config \"$3\""
        let result = try runProgram([
            "sh", "-c", script, "sh", folder.path.string, try builtProgram("nodeguard"), file.string,
        ])
        let lines = result.output.split(separator: "\n")
        for name in ["keys.permissions", "scan.age", "findings.open"] {
            #expect(
                lines.contains { $0.hasPrefix("UNKNOWN") && $0.contains(name) && $0.contains("only be read by root") },
                "\(name) in \(result.output)")
        }
    }

    @Test func `wrong usage exits 64`() throws {
        #expect(try check("--json", "--brief").status == 64)
        #expect(try check("--nonsense").status == 64)
    }
}
