public import Config
internal import Glibc
public import Journal
internal import LinuxSystem
public import Scanner
public import SystemPackage

/// What somebody wants scanned: a person by `scan-now`, or the schedule.
public struct ScanRequest: Codable, Equatable, Sendable {
    /// Files and folders, absolute; where there are some, no target is scanned.
    public var paths: [FilePath]
    /// Targets by their names; none and no paths: all targets.
    public var targets: [String]
    /// Whether every file is looked at, whatever is known of it.
    public var isFull: Bool
    /// Whether only to tell what there would be to do.
    public var isPlan: Bool
    /// Whether the scan stays within `scan.window`.
    public var respectsWindow: Bool
    /// Whether every file gets an event of its own.
    public var tellsEverything: Bool
    /// Whether to count beforehand what there is to scan, so that the time left can be told.
    public var estimatesTotals: Bool
    /// Who wants it.
    public var trigger: ScanStarted.Trigger

    /// A request for all targets, by hand, unless something else is said.
    public init(
        paths: [FilePath] = [], targets: [String] = [], isFull: Bool = false, isPlan: Bool = false,
        respectsWindow: Bool = false, tellsEverything: Bool = false, estimatesTotals: Bool = false,
        trigger: ScanStarted.Trigger = .manual
    ) {
        self.paths = paths
        self.targets = targets
        self.isFull = isFull
        self.isPlan = isPlan
        self.respectsWindow = respectsWindow
        self.tellsEverything = tellsEverything
        self.estimatesTotals = estimatesTotals
        self.trigger = trigger
    }
}

extension ScanRequest {
    /// Whether the configuration has every target that is asked for.
    public func check(_ settings: Configuration) throws(NoSuchTarget) {
        let names = settings.scan.targets.map(\.name.text)
        for name in targets where !names.contains(name) { throw NoSuchTarget(name: name, names: names) }
    }
}

/// A target was asked for that the configuration does not have.
public struct NoSuchTarget: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was asked for, as it was given.
    public let name: String
    /// What there is.
    public let names: [String]

    /// One sentence.
    public var description: String {
        "there is no target \(printable(name.utf8)); the configuration has: \(names.joined(separator: ", "))"
    }
}

extension SessionOrder {
    /// The order that a request comes to under a configuration.
    ///
    /// - Parameter findings: what is known of earlier scans: these files are told of in any case, and what somebody has
    ///   accepted stays where it is.
    public init(
        _ request: ScanRequest, _ configuration: LoadedConfiguration, findings: FindingsRecorder
    ) throws(NoSuchTarget) {
        let settings = configuration.settings
        let state = settings.paths.state.path
        let workers: Int? =
            switch settings.scan.workers {
            case .auto: nil
            case .exactly(let number): Int(number)
            }
        self.init(
            targets: try Self.targets(request, settings), signatures: settings.scan.signatures.path, workers: workers,
            scratchParent: Self.scratchParent(state), validatorFiles: ValidatorFiles(configuration),
            report: request.tellsEverything ? .everything : .notable, trigger: request.trigger,
            estimatesTotals: request.estimatesTotals)
        host = settings.paths.host.path
        self.state = state
        reverifySeconds = UInt64(max(1, settings.scan.reverify.milliseconds / 1000))
        isFull = request.isFull
        if request.isPlan { plan = PlanBounds(window: settings.scan.window.map { ScanWindow($0) }) }
        throttle = Throttle(settings.scan.throttle)
        window = request.respectsWindow ? settings.scan.window.map { ScanWindow($0) } : nil
        watched = findings.watched
        addQuarantine(settings, findings)
    }

    private static func targets(
        _ request: ScanRequest, _ settings: Configuration
    ) throws(NoSuchTarget) -> [SessionOrder.Target] {
        if !request.paths.isEmpty {
            // What is mounted beneath belongs to what was named, as for every program that descends into folders.
            return [SessionOrder.Target(name: nil, paths: request.paths, oneFileSystem: false)]
        }
        try request.check(settings)
        let configured = settings.scan.targets
        return configured.filter { request.targets.isEmpty || request.targets.contains($0.name.text) }.map { target in
            SessionOrder.Target(
                name: target.name.text, paths: target.paths.map(\.path),
                exclude: target.exclude.map(\.text) + builtInExclusions(settings), oneFileSystem: target.oneFilesystem)
        }
    }

    /// What no target scans, beside what its own `exclude` says.
    private static func builtInExclusions(_ settings: Configuration) -> [String] {
        [
            // Signatures match themselves, and what is set aside is known already.
            settings.scan.signatures.text, settings.paths.state.text, settings.paths.runtime.text,
            // etcd's own consistency checks notice a page that is read at the wrong moment; its content is the cluster's.
            "/var/lib/etcd", "/var/lib/rancher/*/server/db/etcd",
            // The merged views of running pods: their layers are scanned where they lie.
            "/run/k3s/containerd/**/rootfs", "/run/containerd/**/rootfs", "/var/lib/kubelet/pods/*/volumes",
        ]
    }

    /// Where the engine unpacks: in the state folder, or where that is not ours, in one of the user's own.
    private static func scratchParent(_ state: FilePath) -> FilePath {
        do {
            try makeFolder(state, permissions: .ownerReadWriteExecute)
        } catch {
            // Told once, by the metrics that cannot be kept there either.
        }
        if isWritableFolder(state) { return state.appending("scratch") }
        return FilePath("/tmp/nodeguard-\(geteuid())")
    }
}
