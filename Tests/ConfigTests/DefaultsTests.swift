import Config
import Testing

/// The defaults are a promise: dashboards, scripts and the documentation rely on them.
@Suite struct DefaultsTests {
    @Test(arguments: [
        "", "{}\n", "---\n", "---\n{}\n...\n", "# nothing\n", "scan:\npolicy:\n  gate:\n", "\u{feff}# mark\n",
    ])
    func nothingMeansTheDefaults(_ text: String) throws {
        let loaded = try load(text)
        #expect(loaded.settings == Configuration())
        #expect(loaded.warnings.isEmpty)
    }

    @Test func everyDefaultIsTheOneOfTheContract() throws {
        let defaults = try load("").settings
        let scan = defaults.scan
        #expect(scan.signatures.text == "/var/lib/clamav")
        #expect(scan.schedule.text == "0 3 * * *")
        #expect(scan.window == nil)
        #expect(scan.reverify.duration == .seconds(30 * 86400))
        #expect(scan.workers == .auto)
        #expect(scan.throttle.bytesPerSecond == nil)
        #expect(scan.throttle.ioPressure?.percent == 10)
        #expect(scan.throttle.cpuPressure == nil)
        #expect(scan.action == .report)
        #expect(scan.targets.map(\.name.text) == ["system", "validators"])
        #expect(scan.targets.map(\.kind) == [.system, .validators])
        #expect(scan.targets.map(\.paths) == [["/"], ["/var/lib/rancher/rke2/storage"]])
        #expect(scan.targets.map(\.exclude) == [[], []])
        #expect(scan.targets.map(\.oneFilesystem) == [true, true])
        #expect(scan.targets.map { scan.schedule(of: $0).text } == ["0 3 * * *", "30 3 * * *"])
        #expect(defaults.validators.isEmpty)
        let policy = defaults.policy
        #expect(policy.selinux.require == .enforcing)
        #expect(policy.vpn.interfaces.map(\.text) == ["wg0", "nordlynx"])
        #expect(policy.vpn.ipv4 == .required)
        #expect(policy.vpn.ipv6 == .absentOrVPN)
        #expect(policy.vpn.handshakeMaxAge.duration == .seconds(180))
        #expect(policy.vpn.local.map(\.text) == ["10.42.0.0/16", "10.43.0.0/16"])
        #expect(policy.gate.mode == .observe)
        #expect(policy.gate.lease.duration == .seconds(5))
        #expect(policy.gate.handover.duration == .seconds(30))
        #expect(policy.gate.settle.duration == .seconds(3))
        #expect(policy.gate.direction == .inbound)
        #expect(policy.gate.answerVia == .any)
        #expect(policy.gate.require == [.selinuxEnforcing, .vpnInterface, .vpnRouteIPv4, .vpnRouteIPv6])
        #expect(policy.statusListen == nil)
        #expect(defaults.journal.enabled)
        #expect(defaults.paths.state.text == "/var/lib/nodeguard")
        #expect(defaults.paths.runtime.text == "/run/nodeguard")
        #expect(defaults.metrics.textfile?.text == "/var/lib/prometheus/node-exporter/nodeguard.prom")
    }

    @Test func aTargetOfValidatorsReportsWhateverIsConfigured() throws {
        let scan = try load("scan: {action: quarantine}\n").settings.scan
        #expect(scan.targets.map(scan.action(of:)) == [.quarantine, .report])
    }

    /// The example of the documentation's contract, with every key given.
    static let everything = """
        scan:
          signatures: /srv/clamav
          schedule: "*/15 1-5 * jan,MAR-dec mon-fri"
          window: "22:00-06:30"
          reverify: 720h
          workers: 3
          throttle: { bytesPerSecond: 64MiB, ioPressure: 7.25, cpuPressure: 100 }
          action: quarantine
          targets:
            - name: system
              paths: [/, "/srv/with space: and \\"quotes\\" \\\\ and \\n newline"]
              exclude: ["*.iso", "/home/*/Downloads/**", 'no']
              oneFilesystem: false
            - name: "123"
              kind: validators
              paths: ["/2024-01-01", /yes]
              schedule: "@weekly"
              action: report
        validators:
          - { name: geth,       profile: geth }
          - name: lighthouse
            profile: lighthouse
            ports: [tcp/9000, udp/9000, udp/9001]
            externalPorts: [tcp/30900]
            uid: 4294967294
            pod: { namespace: eth, name: "lighthouse-*" }
        policy:
          selinux: { require: permissive }
          vpn:
            interfaces: ["wg*", nordlynx]
            ipv4: absent-or-vpn
            ipv6: ignore
            handshakeMaxAge: 200s
            local: [10.0.0.0/8, "fd00::/8", 192.168.1.7/32]
          gate:
            mode: enforce
            lease: 2s
            handover: 60s
            settle: 500ms
            direction: both
            answerVia: vpn
            require: [scan.age]
          statusListen: "[::1]:9477"
        journal: { enabled: false }
        paths: { state: /tmp/state, runtime: /tmp/runtime }
        metrics: { textfile: null }
        """

    @Test func everyKeyArrives() throws {
        let settings = try load(Self.everything).settings
        #expect(settings.scan.signatures == "/srv/clamav")
        #expect(settings.scan.window == "22:00-06:30")
        #expect(settings.scan.reverify == "30d")
        #expect(settings.scan.workers == .exactly(3))
        #expect(settings.scan.throttle.bytesPerSecond?.bytes == 64 << 20)
        #expect(settings.scan.throttle.ioPressure?.percent == 7.25)
        #expect(settings.scan.throttle.cpuPressure == Percentage(100))
        #expect(settings.scan.targets[0].paths[1].text == "/srv/with space: and \"quotes\" \\ and \n newline")
        #expect(settings.scan.targets[0].exclude == ["*.iso", "/home/*/Downloads/**", "no"])
        #expect(!settings.scan.targets[0].oneFilesystem)
        #expect(settings.scan.targets[1].name == "123")
        #expect(settings.scan.targets[1].action == .report)
        #expect(settings.validators[0] == .init(name: "geth", profile: "geth"))
        #expect(
            settings.validators[1]
                == .init(
                    name: "lighthouse", profile: "lighthouse", ports: ["tcp/9000", "udp/9000", "udp/9001"],
                    externalPorts: ["tcp/30900"], uid: UserID(4_294_967_294),
                    pod: .init(namespace: "eth", name: "lighthouse-*")))
        #expect(settings.policy.selinux.require == .permissive)
        #expect(settings.policy.vpn.ipv4 == .absentOrVPN)
        #expect(settings.policy.gate.direction == .both)
        #expect(settings.policy.gate.require == [.scanAge])
        #expect(settings.policy.statusListen?.port == 9477)
        #expect(settings.metrics.textfile == nil)
    }

    @Test(arguments: ["", everything])
    func whatIsShownLoadsToTheSame(_ text: String) throws {
        let loaded = try load(text)
        let again = try load(loaded.yaml)
        #expect(again.settings == loaded.settings)
        #expect(again.warnings.isEmpty)
        // Shown once more it is the same but for the origins.
        func withoutComments(_ yaml: String) -> [Substring] {
            yaml.split(separator: "\n").map { $0.split(separator: "  #", maxSplits: 1)[0] }
        }
        #expect(withoutComments(again.yaml) == withoutComments(loaded.yaml))
    }
}
