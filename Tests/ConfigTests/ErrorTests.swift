import Config
import SystemPackage
import Testing

/// What is wrong is told with its place, the key and what to write.
@Suite struct ErrorTests {
    static let rootKeys = "the keys here are scan, validators, policy, journal, paths, metrics"
    static let gateKeys = "the keys here are mode, lease, handover, settle, direction, answerVia, require"
    static let duration = "write a whole number and its unit (ms, s, m, h or d), as in 500ms, 15s, 10m, 24h or 30d"

    static let keys = [
        Bad("scann: {}\n", "main.yaml:1:1: error: scann: unknown key; did you mean scan? \(rootKeys)"),
        Bad("lease: 5s\n", "main.yaml:1:1: error: lease: unknown key; it belongs to policy.gate; \(rootKeys)"),
        Bad("zzzzzz: 1\n", "main.yaml:1:1: error: zzzzzz: unknown key; \(rootKeys)"),
        Bad(
            "policy:\n  gate:\n    settel: 5s\n    answer-via: vpn\n",
            "main.yaml:3:5: error: policy.gate.settel: unknown key; did you mean settle? \(gateKeys)",
            "main.yaml:4:5: error: policy.gate.answer-via: unknown key; did you mean answerVia? \(gateKeys)"),
        Bad(
            "journal:\n  enabled: true\n  enabled: true\n",
            "main.yaml:3:3: error: journal.enabled: duplicate key, first on line 2; remove one of them"),
        Bad(
            "scan:\n  targets:\n  - name: a\n    paths: [/a]\n  - name: a\n    paths: [/b]\n",
            "main.yaml:5:5: error: scan.targets[1]: the name a is in this list twice, first on line 3; remove or rename one"
        ),
        Bad(
            "scan:\n  targets:\n  - paths: [/a]\n",
            "main.yaml:3:5: error: scan.targets[0]: the required key \"name\" is missing"),
        Bad("? [a]\n: 1\n", "main.yaml:1:3: error: a key must be a word, not a list or a mapping"),
        Bad(
            "<<: {a: 1}\n", "main.yaml:1:1: error: <<: merging mappings with << is not supported: write the keys out"),
        Bad(
            "\"a\\nb\\e[31m\": 1\n",
            "main.yaml:1:1: error: a\\nb\\x1b[31m: unknown key; \(rootKeys)"),
    ]

    static let types = [
        Bad(
            "[]\n",
            "main.yaml:1:1: error: this is a list, where a mapping is wanted, with the keys scan, validators, policy, "
                + "journal, paths, metrics"),
        Bad(
            "journal: null\n",
            "main.yaml:1:10: error: journal: this is null, where a mapping is wanted, with the keys enabled"),
        Bad(
            "journal: [1]\n",
            "main.yaml:1:10: error: journal: this is a list, where a mapping is wanted, with the keys enabled"),
        Bad(
            "validators:\n",
            "main.yaml:1:12: error: validators: the list is missing: write [] for an empty list, or leave the key out for "
                + "its default"),
        Bad(
            "scan:\n  targets:\n  - name: a\n    paths: /srv\n",
            "main.yaml:4:12: error: scan.targets[a].paths: this is one value, where a list is wanted: write [\"/srv\"]"),
        Bad(
            "scan: {targets: {name: a}}\n",
            "main.yaml:1:17: error: scan.targets: this is a mapping, where a list is wanted: begin each item with \"- \""
        ),
        Bad(
            "policy: {gate: {require: [vpn.interface, finding.open]}}\n",
            "main.yaml:1:42: error: policy.gate.require[1]: \"finding.open\" is not a check: did you mean findings.open? "
                + "write selinux.enforcing, vpn.interface, vpn.route.ipv4, vpn.route.ipv6, vpn.handshake, "
                + "keys.permissions, signatures.age, scan.age or findings.open"),
        Bad(
            "policy: {gate: {require: []}}\n",
            "main.yaml:1:26: error: policy.gate.require: an empty list is not possible: it must be a list of at least one"
        ),
        Bad(
            "scan: {reverify: [30d]}\n",
            "main.yaml:1:18: error: scan.reverify: this is a list, where a duration is wanted: \(duration)"),
        Bad(
            "scan: {reverify: }\n",
            "main.yaml:1:18: error: scan.reverify: the value is missing: \(duration), or leave the key out for its default"
        ),
        Bad(
            "scan: {reverify: null}\n",
            "main.yaml:1:18: error: scan.reverify: null is not possible here: \(duration), or leave the key out for its "
                + "default"),
        Bad(
            "journal: {enabled: 1}\n",
            "main.yaml:1:20: error: journal.enabled: 1 is not a boolean: write true or false"),
        Bad(
            "scan: {targets: [{name: 007, paths: [/]}, {name: 1, paths: [/]}, {name: true, paths: [/]}]}\n",
            "main.yaml:1:25: error: scan.targets[007].name: 007 is a number, not a name; put it in quotes if it is meant: "
                + "\"007\"",
            "main.yaml:1:50: error: scan.targets[1].name: 1 is a number, not a name; put it in quotes if it is meant: \"1\"",
            "main.yaml:1:73: error: scan.targets[true].name: true is a boolean, not a name; put it in quotes if it is "
                + "meant: \"true\""),
    ]

    /// What YAML 1.1 takes for something else.
    static let traps =
        ["yes", "Yes", "on", "y"].map {
            Bad(
                "journal: {enabled: \($0)}\n",
                "main.yaml:1:20: error: journal.enabled: \($0) is a text in YAML 1.2, not a boolean: write true")
        }
        + ["no", "OFF", "n"].map {
            Bad(
                "journal: {enabled: \($0)}\n",
                "main.yaml:1:20: error: journal.enabled: \($0) is a text in YAML 1.2, not a boolean: write false")
        }
        + [
            Bad(
                "journal: {enabled: 'true'}\n",
                "main.yaml:1:20: error: journal.enabled: \"true\" in quotes is a text, not a boolean: write true without "
                    + "quotes"),
            Bad(
                "validators: [{name: a, ports: [tcp/9000], uid: 01750}]\n",
                "main.yaml:1:48: error: validators[a].uid: 01750 is octal in YAML 1.1 and decimal in YAML 1.2: write it "
                    + "without leading zeros, 1750"),
            Bad(
                "validators: [{name: a, ports: [tcp/9000], uid: \"1000\"}]\n",
                "main.yaml:1:48: error: validators[a].uid: \"1000\" in quotes is a text, not a number: write 1000 without "
                    + "quotes"),
            Bad(
                "validators: [{name: a, ports: [tcp/9000], uid: 0x3e8}]\n",
                "main.yaml:1:48: error: validators[a].uid: 0x3e8 is not a user id: write a number from 1 to 4294967294, "
                    + "as `id -u NAME` prints it"),
            Bad(
                "validators: [{name: a, ports: [22:22]}]\n",
                "main.yaml:1:32: error: validators[a].ports[0]: \"22:22\" is not a port: write tcp/ or udp/ and a number "
                    + "from 1 to 65535, as in tcp/9000"),
        ]

    static let syntax = [
        Bad(
            "journal:\n\tenabled: true\n",
            "main.yaml:2:1: error: journal: a tab: YAML is indented with spaces; replace it"),
        Bad(
            "scan:\n  schedule: */5 * * * *\n",
            "main.yaml:2:14: error: scan.schedule: a value that begins with * must be in quotes, as in \"*/5 * * * *\""),
        Bad(
            "scan:\n  schedule: @daily\n",
            "main.yaml:2:13: error: scan.schedule: a value that begins with @ must be in quotes"),
        Bad(
            "journal: &a {enabled: true}\npaths: *a\n",
            "main.yaml:1:10: error: journal: anchors are not supported: remove the word that begins with &",
            "main.yaml:2:8: error: paths: aliases are not supported: write the value out, or put it in quotes if its * "
                + "belongs to it"),
        Bad(
            "journal: !!map {}\n",
            "main.yaml:1:10: error: journal: tags are not supported: remove the word that begins with !"),
        Bad(
            "journal: {}\n---\npaths: {}\n",
            "main.yaml:2:1: error: a second document (---): a configuration file has one; remove it"),
        Bad(
            "a: b: c\n",
            "main.yaml:1:5: error: a colon in a place where none can be: put a value that contains \": \" in quotes, "
                + "and begin the keys of one mapping in the same column; or the line above lacks its colon"),
        Bad(
            "journal: {enabled: true\npaths: {}\n",
            "main.yaml:2:6: error: journal: a list in [ ] or a mapping in { } ends too soon or not at all "
                + "(did not find expected ',' or '}')"),
        Bad(
            "journal: {\"a\": 1, x: \"b\n",
            "main.yaml:2:1: error: journal.x: this is not YAML: found unexpected end of stream while scanning a quoted "
                + "scalar"),
        Bad("journal: {enabled: t\u{0}rue}\n", "main.yaml:1:21: error: a NUL byte; this is no text file"),
        Bad("# über\njournal: \u{7}\n", "main.yaml:2:10: error: the control character U+0007; remove it"),
        Bad(
            "# a comment\u{2028}journal: {enabled: false}\n",
            "main.yaml:1:12: error: the control character U+2028; remove it"),
        Bad(
            "# a comment\rjournal: {enabled: false}\n",
            "main.yaml:1:12: error: a carriage return without a line feed; end lines with a line feed"),
        Bad(
            String(repeating: "[", count: 100_000),
            "main.yaml:1:17: error: \(String(repeating: "[0]", count: 17)): this lies more than 16 levels deep"),
    ]

    static let values = [
        Bad(
            "policy: {gate: {mode: enforced}}\n",
            "main.yaml:1:23: error: policy.gate.mode: \"enforced\" is not a mode: did you mean enforce? write observe, "
                + "enforce or disabled"),
        Bad(
            "policy: {gate: {lease: 15}}\n",
            "main.yaml:1:24: error: policy.gate.lease: \"15\" is not a duration: the unit is missing, as in 15s; \(duration)"
        ),
        Bad(
            "policy: {gate: {lease: 1h30m}}\n",
            "main.yaml:1:24: error: policy.gate.lease: \"1h30m\" is not a duration: \(duration)"),
        Bad(
            "policy: {gate: {lease: 500ms, handover: 1d}}\n",
            "main.yaml:1:24: error: policy.gate.lease: 500ms is not possible: it must be from 1s to 1m",
            "main.yaml:1:41: error: policy.gate.handover: 1d is not possible: it must be from 0s to 10m"),
        Bad(
            "scan: {throttle: {bytesPerSecond: 64MB, ioPressure: 10%, cpuPressure: 0}}\n",
            "main.yaml:1:35: error: scan.throttle.bytesPerSecond: \"64MB\" is not a size: write a whole number and its unit "
                + "(B, KiB, MiB, GiB or TiB), as in 64MiB",
            "main.yaml:1:53: error: scan.throttle.ioPressure: \"10%\" is not a percentage: write a number from 0.01 to 100 "
                + "without a sign, as in 10",
            "main.yaml:1:71: error: scan.throttle.cpuPressure: 0 is not a percentage: write a number from 0.01 to 100 "
                + "without a sign, as in 10"),
        Bad(
            "scan: {throttle: {bytesPerSecond: 1KiB}}\n",
            "main.yaml:1:35: error: scan.throttle.bytesPerSecond: 1KiB is not possible: it must be at least 64KiB"),
        Bad(
            "scan: {workers: 0}\n",
            "main.yaml:1:17: error: scan.workers: 0 is not a number of workers: write auto or a number from 1 to 256"),
        Bad(
            "scan: {schedule: 0 25 * * *}\n",
            "main.yaml:1:18: error: scan.schedule: \"0 25 * * *\" is not a cron expression: the hour must be from 0 to 23, "
                + "and is 25"),
        Bad(
            "scan: {window: 1:00-7:00}\n",
            "main.yaml:1:16: error: scan.window: \"1:00-7:00\" is not a time window: write two times of the day from 00:00 "
                + "to 23:59 with a dash between, as in \"01:00-07:00\""),
        Bad(
            "scan: {targets: [{name: a/b, paths: [srv, /a/../b, /a, /a], exclude: [/, a/b]}]}\n",
            "main.yaml:1:25: error: scan.targets[0].name: \"a/b\" is not a name: write 1 to 63 letters, digits, dots, "
                + "dashes and underscores, the first a letter or digit",
            "main.yaml:1:38: error: scan.targets[0].paths[0]: \"srv\" is not a path: it must begin with /",
            "main.yaml:1:43: error: scan.targets[0].paths[1]: \"/a/../b\" is not a path: it must not contain . or ..",
            "main.yaml:1:56: error: scan.targets[0].paths[3]: /a is in this list twice, first on line 1; remove or rename "
                + "one",
            "main.yaml:1:71: error: scan.targets[0].exclude[0]: \"/\" is not a pattern: it would leave out everything",
            "main.yaml:1:74: error: scan.targets[0].exclude[1]: \"a/b\" is not a pattern: a path must begin with /, and a "
                + "name has no slash"),
        Bad(
            "scan: {targets: [{name: a, paths: []}]}\n",
            "main.yaml:1:35: error: scan.targets[a].paths: an empty list is not possible: it must be a list of at least one"
        ),
        Bad(
            "scan: {targets: [{name: v, kind: validators, paths: [/v], action: quarantine}]}\n",
            "main.yaml:1:59: error: scan.targets[v].action: a target of the kind validators only reports: a validator's "
                + "file that is taken away by mistake costs a re-sync or its keys; write report, or leave the key out"),
        Bad(
            "policy: {vpn: {local: [10.0.0.1/8, 10.0.0.0/33, 10.0.0.0, cluster]}}\n",
            "main.yaml:1:24: error: policy.vpn.local[0]: \"10.0.0.1/8\" is not an address range: bits are set after the "
                + "prefix; write 10.0.0.0/8 or 10.0.0.1/32",
            "main.yaml:1:36: error: policy.vpn.local[1]: \"10.0.0.0/33\" is not an address range: after the address comes a "
                + "slash and a length from 0 to 32, as in /32",
            "main.yaml:1:49: error: policy.vpn.local[2]: \"10.0.0.0\" is not an address range: after the address comes a "
                + "slash and a length from 0 to 32, as in /32",
            "main.yaml:1:59: error: policy.vpn.local[3]: \"cluster\" is not an address range: write an address, a slash "
                + "and the length of its prefix, as in 10.42.0.0/16 or fd00::/8"),
        Bad(
            "policy: {vpn: {local: [0.0.0.0/0, \"::/0\"]}}\n",
            "main.yaml:1:24: error: policy.vpn.local[0]: 0.0.0.0/0 is every address: nothing would need the tunnel; write "
                + "smaller ranges",
            "main.yaml:1:35: error: policy.vpn.local[1]: ::/0 is every address: nothing would need the tunnel; write "
                + "smaller ranges"),
        Bad(
            "policy: {vpn: {interfaces: [\"*\", e*, lo, a-name-too-long-]}}\n",
            "main.yaml:1:42: error: policy.vpn.interfaces[3]: \"a-name-too-long-\" is not an interface name: write at most "
                + "15 characters without spaces, slashes and colons, as in wg0, or a pattern, as in nord*"),
        Bad(
            "policy: {vpn: {interfaces: [\"*\", e*, lo]}}\n",
            "main.yaml:1:29: error: policy.vpn.interfaces[0]: \"*\" takes in lo, which is no VPN: the check would pass "
                + "without one; name the VPN's interface",
            "main.yaml:1:34: error: policy.vpn.interfaces[1]: \"e*\" takes in eth0, which is no VPN: the check would pass "
                + "without one; name the VPN's interface",
            "main.yaml:1:38: error: policy.vpn.interfaces[2]: \"lo\" takes in lo, which is no VPN: the check would pass "
                + "without one; name the VPN's interface"),
        Bad(
            "policy: {vpn: {interfaces: []}}\n",
            "main.yaml:1:16: error: policy.vpn.interfaces: it is empty, but policy.vpn.ipv4 (required) needs a VPN, so the "
                + "gate could never open; name an interface"),
        Bad(
            "policy: {statusListen: localhost:9477}\n",
            "main.yaml:1:24: error: policy.statusListen: \"localhost:9477\" is not a listening address: write an IP "
                + "address, a colon and a port, as in 127.0.0.1:9477 or [::1]:9477"),
        Bad(
            "paths: {state: /run/nodeguard}\n",
            "main.yaml:1:9: error: paths.runtime: it is the same folder as paths.state; it must be another"),
        Bad(
            "paths: {runtime: /\(String(repeating: "r", count: 94))}\n",
            "main.yaml:1:9: error: paths.runtime: a socket in it could not be named; it must not be longer than 94 bytes"
        ),
        Bad(
            "metrics: {textfile: /var/lib/nodeguard.txt}\n",
            "main.yaml:1:11: error: metrics.textfile: node-exporter only reads files whose names end in .prom; rename it"
        ),
    ]

    static let validators = [
        Bad(
            "validators:\n- name: a\n",
            "main.yaml:2:3: error: validators[a].profile: it has neither a profile nor ports, so the gate would have "
                + "nothing to shut; add one of them"),
        Bad(
            "validators:\n- name: a\n  ports: [tcp/9000, udp/9000, tcp/9000]\n",
            "main.yaml:3:31: error: validators[a].ports[2]: tcp/9000 is in this list twice, first on line 3; remove or "
                + "rename one"),
        Bad(
            "validators:\n- {name: a, ports: [tcp/9000]}\n- {name: b, ports: [tcp/9000]}\n",
            "main.yaml:3:21: error: validators[b].ports[0]: tcp/9000 belongs to the validator a already, and can lead to one "
                + "of them only"),
        Bad(
            "validators:\n- {name: a, profile: geth, uid: 0}\n",
            "main.yaml:2:33: error: validators[a].uid: 0 is root, whose traffic is the whole machine's: give the validator a "
                + "user of its own"),
        Bad(
            "validators:\n- {name: a, profile: geth, pod: {namespace: Eth, name: \"*\"}}\n",
            "main.yaml:2:45: error: validators[a].pod.namespace: \"Eth\" is not a namespace: write 1 to 63 lower-case "
                + "letters, digits and dashes, as in eth (a namespace has no patterns)",
            "main.yaml:2:56: error: validators[a].pod.name: \"*\" is not a pod name: it would take in every pod of the "
                + "namespace"),
    ]

    @Test(arguments: keys + types + traps + syntax + values + validators)
    func isToldExactly(_ bad: Bad) {
        #expect(problems(bad.input) == bad.expected)
        #expect(throws: RejectedConfiguration.self) { try load(bad.input) }
    }

    @Test(arguments: [
        ("tcp/22", "SSH"), ("tcp/6443", "the Kubernetes API"), ("tcp/9345", "the supervisor of rke2"),
        ("tcp/10250", "the kubelet"),
    ])
    func aPortThatTheMachineNeedsIsRefusedWithTheReason(_ port: String, _ owner: String) {
        for key in ["ports", "externalPorts"] {
            #expect(
                problems("validators:\n- name: a\n  profile: geth\n  \(key): [tcp/1, \(port)]\n") == [
                    "main.yaml:4:\(key.count + 13): error: validators[a].\(key)[1]: \(port) is \(owner), which the machine "
                        + "itself needs: the gate would shut you out; remove it"
                ])
        }
    }

    @Test func invalidUTF8IsRefusedWithItsPlace() {
        let bytes = Array("# über\njournal: ".utf8) + [0xff, 0x0a]
        #expect(throws: RejectedConfiguration.self) {
            try loadConfiguration(main: ConfigurationFile(path: "main.yaml", bytes: bytes))
        }
        do throws(RejectedConfiguration) {
            _ = try loadConfiguration(main: ConfigurationFile(path: "main.yaml", bytes: bytes))
        } catch {
            #expect(error.description == "main.yaml:2:10: error: the byte 0xff is not UTF-8; save the file as UTF-8")
        }
    }

    @Test func aFileTooLargeIsRefusedAndOneJustNotIsRead() throws {
        let largest = 256 * 1024
        #expect(try load(String(repeating: "#", count: largest)).settings == Configuration())
        #expect(
            problems(String(repeating: "#", count: largest + 1)) == [
                "main.yaml: error: the file is larger than 256 KiB: it can't be a configuration"
            ])
    }

    @Test func manyErrorsAreCutShort() {
        let lines = problems((1...5000).map { "key\($0): 1\n" }.joined())
        #expect(lines.count == 101)
        #expect(lines.last == "main.yaml:100:1: error: there are more errors after this one, which are left out")
    }

    @Test func whatALaterFileReplacesMustBeRightAllTheSame() {
        do throws(RejectedConfiguration) {
            _ = try load("journal: {enabled: yes}\n", "journal: {enabled: true}\n")
            Issue.record("it was taken")
        } catch {
            #expect(
                error.description
                    == "main.yaml:1:20: error: journal.enabled: yes is a text in YAML 1.2, not a boolean: write true")
        }
    }

    @Test func errorsOfAllFilesAreToldOnceAndInOrder() {
        do throws(RejectedConfiguration) {
            _ = try load("scan: {workers: 0}\na: 1\n", "journal: {enabled: 5}\n", "policy: {gate: {lease: 1}}\n")
            Issue.record("it was taken")
        } catch {
            #expect(
                error.problems.map { "\($0.file):\($0.place?.line ?? 0) \($0.key)" } == [
                    "main.yaml:1 scan.workers", "main.yaml:2 a", "1.yaml:1 journal.enabled",
                    "2.yaml:1 policy.gate.lease",
                ])
        }
    }

    @Test func aProfileIsOnlyCheckedWhereTheProfilesAreKnown() throws {
        let text = "validators: [{name: a, profile: lighthuose}]\n"
        #expect(try load(text).settings.validators[0].profile == "lighthuose")
        #expect(
            problems(text, profiles: Profiles([Profile(name: "geth"), Profile(name: "lighthouse")])) == [
                "main.yaml:1:24: error: validators[a].profile: there is no profile lighthuose: did you mean lighthouse? there "
                    + "are geth, lighthouse"
            ])
    }
}
