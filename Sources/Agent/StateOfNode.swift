public import Config
public import Journal
internal import LinuxSystem
public import Policy
internal import SystemPackage

extension StateFacts {
    /// What the state folder and the signature folder tell. It reads disks, which may hang: never call it on the gate's
    /// thread.
    public init(
        reading settings: Configuration, now: UnixTime = .now(), local: LocalTime = .current()
    ) {
        let state = settings.paths.state.path
        let began = ContinuousClock.now
        var snapshot = Known<MetricsSnapshot?> { try MetricsStore.stored(in: state) }
        if case .known(nil) = snapshot {
            snapshot = .unknown(
                why: "no scan has kept anything in \(printable(state)) yet",
                remedy: "run nodeguard scan-now, or wait for the schedule")
        }
        // Without it nothing but the time is missing after which a target that was never scanned is late.
        let schedule = (try? ScanSchedule.kept(in: state)) ?? nil
        self.init(
            read: began, databases: Self.databases(settings.scan.signatures.path),
            targets: snapshot.map { snapshot in
                settings.scan.targets.map { target in
                    let last = MetricLabel(target.name.text).flatMap { snapshot?.targets[$0]?.lastCompletion }
                    let since = last ?? schedule?.records[target.name.text]?.knownSince
                    return Target(
                        name: target.name.text, lastCompletion: last,
                        limit: since.flatMap { settings.scan.schedule(of: target).lateAfter($0, local) })
                }
            }, findings: Self.findings(state),
            keyFiles: snapshot.map { snapshot in
                let keys = settings.scan.targets.map { target in
                    (target.name.text, MetricLabel(target.name.text).flatMap { snapshot?.targets[$0]?.exposedKeyFiles })
                }
                return KeyFiles(
                    exposed: Set(keys.flatMap { $0.1 ?? [] }).sorted(),
                    notLookedAt: keys.filter { $0.1 == nil }.map(\.0))
            })
    }

    private static func databases(_ folder: FilePath) -> Known<[Database]> {
        do {
            let found = try SignatureDatabases(reading: folder)
            // A loose file that is called daily.ndb is not freshclam's daily.
            let loose = found.databases.filter { !$0.hasHeader && !SignatureDatabases.official.contains($0.name) }
            let names = Set(found.databases.filter(\.hasHeader).map(\.name)).sorted()
            return .known(
                names.map { Database(name: $0, built: found[$0]?.built) }
                    + Dictionary(loose.map { ($0.name, $0.built) }, uniquingKeysWith: { first, _ in first })
                    .sorted { $0.key < $1.key }.map { Database(name: $0.key, built: $0.value) })
        } catch {
            return .unknown(why: error.description, remedy: error.remedy)
        }
    }

    private static func findings(_ state: FilePath) -> Known<Findings> {
        // Opening it would make it.
        guard exists(state.appending("findings.db")) else {
            return Known { () throws(Errno) -> Findings in
                // Where the folder may not be entered, the file cannot be seen either.
                _ = try FileStatus.of(Opening.readable(Opening.start(at: state)))
                throw .noSuchFileOrDirectory
            }
        }
        let read = Known { () throws -> Findings in
            let open = try FindingsStore(state: state).findings(all: false)
            let example = open.first.map { "\(printable($0.path)) (\(printable(($0.signatures.first ?? "").utf8)))" }
            return Findings(open: open.count, example: example)
        }
        // Opening the store may have set a damaged file aside just now.
        guard read == .known(Findings(open: 0, example: nil)), !FindingsStore.damagedFiles(state: state).isEmpty else {
            return read
        }
        return .unknown(
            why: "the findings of earlier were damaged and set aside; what was open in them is not known",
            remedy: "run nodeguard scan-now --full, then delete findings.db.damaged-* in \(printable(state))")
    }
}

extension CronSchedule {
    /// From when on a target that was last scanned to its end at this time has missed two times of its schedule: the
    /// second of them is over, and the scan has had as long for it as it had the last time.
    func lateAfter(_ last: UnixTime, _ local: LocalTime) -> UnixTime? {
        guard let first = next(after: last, in: local), let second = next(after: first, in: local) else { return nil }
        return max(second, last.advanced(by: first.duration(to: second) * 2))
    }
}

extension StateFacts.Known {
    /// What `body` reads, or why it could not.
    fileprivate init(_ body: () throws -> Value) {
        do {
            self = .known(try body())
        } catch {
            switch error as? Errno {
            case .noSuchFileOrDirectory?:
                self = .unknown(
                    why: "no scan has kept anything yet", remedy: "run nodeguard scan-now, or wait for the schedule")
            case .permissionDenied?, .notPermitted?:
                self = .unknown(why: "the state folder may only be read by root", remedy: "run this as root")
            default:
                self = .unknown(
                    why: "the state of earlier scans cannot be read: \(printable("\(error)".utf8))",
                    remedy: "look at the state folder (paths.state) and its disk; nodeguard scan-now --full begins anew"
                )
            }
        }
    }

    fileprivate func map<Other>(_ transform: (Value) -> Other) -> StateFacts.Known<Other> {
        switch self {
        case .known(let value): .known(transform(value))
        case .unknown(let why, let remedy): .unknown(why: why, remedy: remedy)
        }
    }
}
