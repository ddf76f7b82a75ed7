import Config
import Testing

/// What is allowed, but probably not meant, is told, and the configuration is used.
@Suite struct WarningTests {
    static let cases = [
        Bad(
            "validators: [{name: a, ports: [tcp/8551]}]\n",
            "main.yaml:1:32: warning: validators[a].ports[0]: tcp/8551 is usually an execution client's engine API, which "
                + "must never be reachable from outside, whether the gate is open or shut: let it listen on 127.0.0.1 only"
        ),
        Bad(
            "policy: {gate: {mode: enforce}}\n",
            "main.yaml:1:17: warning: policy.gate.mode: there are no validators, so there is no port to shut; add them "
                + "under validators"),
        Bad(
            "policy: {vpn: {interfaces: [eth0], local: [8.0.0.0/8], handshakeMaxAge: 60s}}\n",
            "main.yaml:1:29: warning: policy.vpn.interfaces[0]: eth0 is a name for an ordinary interface; is it really the "
                + "VPN?",
            "main.yaml:1:44: warning: policy.vpn.local[0]: 8.0.0.0/8 has addresses of the public internet: traffic to them "
                + "would not need the tunnel",
            "main.yaml:1:56: warning: policy.vpn.handshakeMaxAge: WireGuard makes a new handshake only after 120 s, so a "
                + "working tunnel would be taken for a dead one"),
        Bad(
            "scan:\n  window: \"22:00-02:00\"\n",
            "main.yaml:2:3: warning: scan.schedule: it always falls outside of scan.window (22:00-02:00), where a scan only "
                + "waits"),
    ]

    @Test(arguments: cases) func isToldExactly(_ bad: Bad) throws {
        #expect(try load(bad.input).warnings.map(\.description) == bad.expected)
    }

    @Test func anEmptyListOfNamedThingsInAFragmentChangesNothingAndSaysSo() throws {
        let loaded = try load("{}", "scan: {targets: []}\nvalidators: []\n")
        #expect(loaded.settings == Configuration())
        #expect(
            loaded.warnings.map(\.description) == [
                "1.yaml:1:17: warning: scan.targets: lists of named things are merged by name, so an empty one changes "
                    + "nothing; remove the items from the main file"
            ])
    }
}
