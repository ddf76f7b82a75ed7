import Agent
import ArgumentParser
import Config
import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage

/// `nodeguard scan-now`: scan now, and tell every outcome.
struct ScanNowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan-now",
        abstract: "Scan paths, or targets of the configuration, now.",
        discussion: """
            Without PATH and without --target, all targets are scanned. A path that begins with a dash goes behind --. \
            What is mounted beneath a PATH is scanned too, except file systems of other machines and the kernel's own; a \
            target has a setting for that.

            Exits 0 when everything was looked at and nothing found, 1 when something was found, 2 when something could \
            not be scanned and nothing was found.
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("Files and folders to scan.", valueName: "path"))
    var paths: [PathArgument] = []

    @Option(
        name: .customLong("target"), help: ArgumentHelp("Scan this target of the configuration.", valueName: "name"))
    var targets: [String] = []

    @Flag(help: "Look at every file, also where nothing has changed since the last look.")
    var full = false

    @Flag(help: "Only tell how much there is to look at, and how long that would take.")
    var plan = false

    @Flag(help: "End when scan.window ends. Without it a scan by hand runs at any time.")
    var respectWindow = false

    @Flag(help: "Print one JSON document a line for every file and every event, the summary last.")
    var json = false

    func validate() throws {
        if !paths.isEmpty && !targets.isEmpty {
            throw ValidationError("Give paths or --target, not both: a target has its own paths.")
        }
    }

    func run() throws {
        let configuration = try global.loadConfiguration()
        let settings = configuration.settings
        let state = settings.paths.state.path
        var order = try order(configuration, state: state)
        let findings = FindingsRecorder(state: state)
        order.watched = findings.watched
        order.addQuarantine(settings, findings)
        var reporter = ScanReporter(
            journal: settings.journal.enabled ? JournaldSink() : nil,
            metrics: MetricsStore(
                state: state, textfile: settings.metrics.textfile?.path, version: Nodeguard.version),
            findings: findings)
        var screen = ScanScreen(json: json, roots: Set(order.targets.flatMap(\.paths)))
        let ending: SessionProcess.Ending
        do {
            ending = try SessionProcess.run(order) { event in
                // What is on the screen first: a slow disk of the metrics must not hold it back. And where nobody looks
                // at the screen any more, the journal and the findings still take it.
                defer { if !plan { reporter.report(event) } }
                try screen.show(event)
            }
        } catch {
            reporter.sessionEnded()
            screen.end()
            printError("nodeguard: \(error)")
            throw ExitCode(screen.foundSomething ? 1 : 2)
        }
        screen.end()
        for problem in reporter.problems { printError("note: \(problem)") }
        if let problem = screen.problem {
            printError("nodeguard: not everything is shown: cannot write to the standard output: \(problem)")
        }
        try finish(ending, screen, &reporter)
    }

    private func finish(_ ending: SessionProcess.Ending, _ screen: ScanScreen, _ reporter: inout ScanReporter) throws {
        switch ending {
        case .finished(let summary):
            throw ExitCode(plan ? 0 : status(summary, screen))
        case .failed(let reason, let summary):
            reporter.sessionEnded()
            printError("nodeguard: not scanned: \(reason)")
            throw ExitCode((summary?.totals.counts[.infected] ?? 0) > 0 ? 1 : 2)
        case .interrupted(let number, _):
            reporter.sessionEnded()
            printError("nodeguard: interrupted; what was not reached was not scanned")
            // As a shell expects it of a program that was interrupted.
            throw ExitCode(128 + number)
        }
    }

    private func status(_ summary: ScanSummary, _ screen: ScanScreen) -> Int32 {
        let counts = summary.totals.counts
        if counts[.infected] > 0 { return 1 }
        let unseen = counts[.incomplete] > 0 || counts[exactly: .skipped(.tooLarge)] > 0 || screen.skippedRoots > 0
        return unseen || screen.problem != nil || summary.totals.completeness != .complete ? 2 : 0
    }

    private func order(_ configuration: LoadedConfiguration, state: FilePath) throws -> SessionOrder {
        let settings = configuration.settings
        let workers: Int? =
            switch settings.scan.workers {
            case .auto: nil
            case .exactly(let number): Int(number)
            }
        var order = SessionOrder(
            targets: try orderedTargets(settings), signatures: settings.scan.signatures.path, workers: workers,
            scratchParent: try scratchParent(state), validatorFiles: ValidatorFiles(configuration),
            report: json ? .everything : .notable,
            estimatesTotals: ScanScreen.isTerminal)
        order.host = settings.paths.host.path
        order.state = state
        order.reverifySeconds = UInt64(max(1, settings.scan.reverify.milliseconds / 1000))
        order.isFull = full
        if plan { order.plan = PlanBounds(window: settings.scan.window.map { ScanWindow($0) }) }
        order.throttle = Throttle(settings.scan.throttle)
        order.window = respectWindow ? settings.scan.window.map { ScanWindow($0) } : nil
        return order
    }

    private func orderedTargets(_ settings: Configuration) throws -> [SessionOrder.Target] {
        if !paths.isEmpty {
            // What is mounted beneath belongs to what was named, as for every program that descends into folders.
            return [
                SessionOrder.Target(name: nil, paths: try paths.map { try $0.absolute() }, oneFileSystem: false)
            ]
        }
        let configured = settings.scan.targets
        for name in targets where !configured.contains(where: { $0.name.text == name }) {
            let names = configured.map(\.name.text).joined(separator: ", ")
            printError("nodeguard: there is no target \(printable(name.utf8)); the configuration has: \(names)")
            throw ExitCode(64)
        }
        return configured.filter { targets.isEmpty || targets.contains($0.name.text) }.map { target in
            SessionOrder.Target(
                name: target.name.text, paths: target.paths.map(\.path),
                exclude: target.exclude.map(\.text) + BuiltInExclusions.paths(settings),
                oneFileSystem: target.oneFilesystem)
        }
    }

    /// Where the engine unpacks: in the state folder, or where that is not ours, in one of the user's own.
    private func scratchParent(_ state: FilePath) throws -> FilePath {
        do {
            try makeFolder(state, permissions: .ownerReadWriteExecute)
        } catch {
            // Told once, by the metrics that cannot be kept there either.
        }
        if isWritableFolder(state) { return state.appending("scratch") }
        return FilePath("/tmp/nodeguard-\(geteuid())")
    }
}

/// What no target scans, beside what its own `exclude` says.
enum BuiltInExclusions {
    static func paths(_ settings: Configuration) -> [String] {
        [
            // Signatures match themselves, and what is set aside is known already.
            settings.scan.signatures.text, settings.paths.state.text, settings.paths.runtime.text,
            // etcd's own consistency checks notice a page that is read at the wrong moment; its content is the cluster's.
            "/var/lib/etcd", "/var/lib/rancher/*/server/db/etcd",
            // The merged views of running pods: their layers are scanned where they lie.
            "/run/k3s/containerd/**/rootfs", "/run/containerd/**/rootfs", "/var/lib/kubelet/pods/*/volumes",
        ]
    }
}
