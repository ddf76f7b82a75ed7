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
        let request = try request()
        do throws(NoSuchTarget) {
            try request.check(settings)
        } catch {
            printError("nodeguard: \(error)")
            throw ExitCode(64)
        }
        let roots = request.paths.isEmpty ? settings.scan.targets.flatMap(\.paths).map(\.path) : request.paths
        var screen = ScanScreen(json: json, roots: Set(roots))
        let ending: SessionProcess.Ending
        do {
            if let agent = try agent(of: configuration) {
                ending = try agent.scan(request) { try screen.show($0) }
                screen.end()
                for note in agent.notes { printError("note: \(note)") }
            } else {
                ending = try scanAlone(request, configuration, &screen)
            }
        } catch {
            screen.end()
            printError("nodeguard: \(error)")
            throw ExitCode(screen.foundSomething ? 1 : 2)
        }
        screen.end()
        if json && ending.summary == nil {
            // Nobody else says it any more: what reads the lines must not take what came for all that there is.
            let all = settings.scan.targets.map(\.name.text)
            let targets = request.paths.isEmpty && request.targets.isEmpty ? all : request.targets
            try? screen.show(.summary(screen.counted(targets, because: ending.reason)))
        }
        if let problem = screen.problem {
            printError("nodeguard: not everything is shown: cannot write to the standard output: \(problem)")
        }
        try finish(ending, screen)
    }

    /// The running agent, where it is one of this configuration: another would scan something else.
    private func agent(of configuration: LoadedConfiguration) throws -> AgentClient? {
        guard let agent = try AgentClient.connect(configuration.settings) else { return nil }
        let status = try agent.status()
        guard status.configuration.first == printable(try global.absoluteConfigurationPath()) else {
            printError(
                "note: the agent runs with another configuration (\(status.configuration.first ?? "none")), so this scan is done "
                    + "without it")
            return nil
        }
        if !plan, let other = status.scan, other.trigger == ScanStarted.Trigger.manual.rawValue {
            printError("note: this scan begins after another one by hand (\(other.target ?? "paths that were given"))")
        }
        return agent
    }

    /// Scans without an agent, and tells journal, metrics and findings what an agent would.
    private func scanAlone(
        _ request: ScanRequest, _ configuration: LoadedConfiguration, _ screen: inout ScanScreen
    ) throws -> SessionProcess.Ending {
        let settings = configuration.settings
        let state = settings.paths.state.path
        let findings = FindingsRecorder(state: state)
        let order = try SessionOrder(request, configuration, findings: findings)
        let metrics = MetricsStore(
            state: state, textfile: settings.metrics.textfile?.path, version: Nodeguard.version)
        if !plan { metrics.update { $0.reverifySeconds = order.reverifySeconds } }
        var reporter = ScanReporter(
            journal: JournalQueue(isWanted: settings.journal.enabled), metrics: metrics, findings: findings)
        do {
            let ending = try SessionProcess.run(order) { event in
                // What is on the screen first: a slow disk of the metrics must not hold it back. And where nobody looks
                // at the screen any more, the journal and the findings still take it.
                defer { if !plan { reporter.report(event) } }
                try screen.show(event)
            }
            if case .finished = ending {} else { reporter.sessionEnded() }
            screen.end()
            for problem in reporter.problems { printError("note: \(problem)") }
            return ending
        } catch {
            reporter.sessionEnded()
            throw error
        }
    }

    private func finish(_ ending: SessionProcess.Ending, _ screen: ScanScreen) throws {
        switch ending {
        case .finished(let summary):
            throw ExitCode(plan ? 0 : status(summary, screen))
        case .failed(let reason, let summary):
            printError("nodeguard: not scanned: \(reason)")
            let hasFound = screen.foundSomething || (summary?.totals.counts[.infected] ?? 0) > 0
            throw ExitCode(hasFound ? 1 : 2)
        case .interrupted(let number, _):
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

    private func request() throws -> ScanRequest {
        ScanRequest(
            paths: try paths.map { try $0.absolute() }, targets: targets, isFull: full, isPlan: plan,
            respectsWindow: respectWindow, tellsEverything: json, estimatesTotals: ScanScreen.isTerminal)
    }
}
