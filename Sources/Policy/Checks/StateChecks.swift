public import Journal

/// `keys.permissions`: nobody but its owner may read a validator's key files, as far as whole scans have met them.
public struct KeysPermissionsCheck: PostureCheck {
    private let facts: StateFacts

    /// A check of what was read.
    public init(_ facts: StateFacts) { self.facts = facts }

    /// ``CheckName/keysPermissions``.
    public var name: CheckName { .keysPermissions }

    /// Judges at once: nothing is read.
    public func evaluate(deadline: ContinuousClock.Instant) -> CheckResult {
        facts.judge(name, facts.keyFiles) { keys in
            // What is known to be exposed is exposed, whatever was not looked at.
            if !keys.exposed.isEmpty {
                return CheckResult(
                    name,
                    .fail(
                        remedy:
                            "see the problem of each with journalctl NODEGUARD_EVENT=key_file.exposed, set owner and "
                            + "mode right (chmod 0600), and scan again"),
                    evidence: "\(counted(keys.exposed.count, "key file")) with an owner or permissions they should not "
                        + "have: \(shortList(keys.exposed))")
            }
            guard keys.notLookedAt.isEmpty else {
                return CheckResult(
                    name,
                    .unknown(
                        remedy: "run nodeguard scan-now --target \(keys.notLookedAt[0]), or wait for its schedule"),
                    evidence: "no whole scan has looked for key files in \(shortList(keys.notLookedAt)) yet")
            }
            return CheckResult(name, .pass, evidence: "the last scans met no key file that others can read or replace")
        }
    }
}

/// `signatures.age`: freshclam's databases are there, and `daily` is recent.
///
/// Only `daily` has an age that says something: a new one is published every day. `main` and `bytecode` are months old
/// on every machine of the world, and databases of the owner's are as old as they are.
public struct SignaturesAgeCheck: PostureCheck {
    private let facts: StateFacts
    private let now: UnixTime

    /// A check of what was read.
    public init(_ facts: StateFacts, now: UnixTime = .now()) {
        self.facts = facts
        self.now = now
    }

    /// How old the database `daily` may be.
    public static let limit = Duration.seconds(3 * 86400)

    /// The databases without which known malware is not found.
    public static let needed = ["main", "daily"]

    /// ``CheckName/signaturesAge``.
    public var name: CheckName { .signaturesAge }

    /// Judges at once: nothing is read.
    public func evaluate(deadline: ContinuousClock.Instant) -> CheckResult {
        let remedy =
            "look at freshclam: systemctl status clamav-freshclam, and /var/log/clamav/freshclam.log"
        return facts.judge(name, facts.databases) { databases in
            let missing = Self.needed.filter { name in !databases.contains { $0.name == name } }
            if !missing.isEmpty {
                let there = databases.isEmpty ? "none" : shortList(databases.map(\.name))
                return CheckResult(
                    name, .fail(remedy: remedy),
                    evidence: "ClamAV's own databases are not complete: without \(missing.joined(separator: " and ")); "
                        + "there: \(there)")
            }
            guard let built = databases.first(where: { $0.name == "daily" })?.built else {
                return CheckResult(
                    name, .unknown(remedy: "delete the damaged daily database and let freshclam fetch it anew"),
                    evidence: "the database daily does not say when it was made: its header is damaged")
            }
            let age = built.span(to: now)
            if age < .seconds(-86400) {
                return CheckResult(
                    name, .unknown(remedy: "set the clock right: timedatectl"),
                    evidence: "the database daily is from \(built), which is still to come: the clock is wrong")
            }
            let evidence = "the database daily is \(inWords(age)) old (\(built))"
            return CheckResult(name, age > Self.limit ? .fail(remedy: remedy) : .pass, evidence: evidence)
        }
    }
}

/// `scan.age`: a scan of every target has come to its end within two times of its schedule.
///
/// A target that was never scanned through is unknown as long as its schedule leaves it time, and a fail afterwards.
public struct ScanAgeCheck: PostureCheck {
    private let facts: StateFacts
    private let now: UnixTime

    /// A check of what was read.
    public init(_ facts: StateFacts, now: UnixTime = .now()) {
        self.facts = facts
        self.now = now
    }

    /// ``CheckName/scanAge``.
    public var name: CheckName { .scanAge }

    /// Judges at once: nothing is read.
    public func evaluate(deadline: ContinuousClock.Instant) -> CheckResult {
        facts.judge(name, facts.targets) { targets in
            let late = targets.filter { $0.limit.map { $0 < now } ?? false }
            if let first = late.first {
                let words = late.map { target in
                    target.lastCompletion.map { "\(target.name) \(inWords($0.span(to: now))) ago (\($0))" }
                        ?? "\(target.name) never"
                }
                return CheckResult(
                    name,
                    .fail(
                        remedy:
                            "see why with nodeguard history --target \(first.name), and run nodeguard scan-now --target "
                            + first.name),
                    evidence: "last scanned to the end, more than two times of the schedule ago: \(shortList(words))")
            }
            let open = targets.filter { $0.lastCompletion == nil || $0.limit == nil }.map(\.name)
            if let first = open.first {
                return CheckResult(
                    name, .unknown(remedy: "run nodeguard scan-now --target \(first), or wait for its schedule"),
                    evidence: "no scan of \(shortList(open)) has come to its end yet")
            }
            guard let oldest = targets.min(by: { ($0.lastCompletion ?? now) < ($1.lastCompletion ?? now) }),
                let time = oldest.lastCompletion
            else {
                return CheckResult(
                    name, .unknown(remedy: "name what is to be scanned in scan.targets"),
                    evidence: "there is no target, so nothing is scanned")
            }
            return CheckResult(
                name, .pass,
                evidence:
                    "\(counted(targets.count, "target")) scanned within the schedule, the longest ago \(oldest.name) "
                    + "(\(time))")
        }
    }
}

/// `findings.open`: nothing was found that nobody has looked at.
public struct FindingsOpenCheck: PostureCheck {
    private let facts: StateFacts

    /// A check of what was read.
    public init(_ facts: StateFacts) { self.facts = facts }

    /// ``CheckName/findingsOpen``.
    public var name: CheckName { .findingsOpen }

    /// Judges at once: nothing is read.
    public func evaluate(deadline: ContinuousClock.Instant) -> CheckResult {
        facts.judge(name, facts.findings) { findings in
            guard findings.open > 0 else { return CheckResult(name, .pass, evidence: "no finding is open") }
            let example = findings.example.map { ": \($0)" } ?? ""
            return CheckResult(
                name,
                .fail(remedy: "look at it with nodeguard findings; remove the file, or accept it with findings ack"),
                evidence: "\(counted(findings.open, "finding")) open\(example)")
        }
    }
}

private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
