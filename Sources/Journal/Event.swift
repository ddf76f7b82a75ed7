/// Everything that is ever told to the outside: to the journal, to a program that reads `--json`, and by a scan session
/// to the process that started it.
public enum Event: Equatable, Sendable {
    /// `scan.started`
    case scanStarted(ScanStarted)
    /// `scan.progress`, as JSON only
    case scanProgress(ScanProgress)
    /// `scan.finished`: one target is done
    case scanFinished(ScanFinished)
    /// `scan.interrupted`
    case scanInterrupted(ScanInterrupted)
    /// `scan.resumed`
    case scanResumed(ScanResumed)
    /// `scan.planned`: what a scan would have to do, as JSON only
    case scanPlanned(ScanPlanned)
    /// `summary`: the last line of `scan-now --json`, as JSON only
    case summary(ScanSummary)
    /// `file.clean`, `file.unchanged`, `file.infected`, `file.incomplete` or `file.skipped`, by its outcome; only
    /// infected and incomplete files go to the journal
    case file(FileReport)
    /// `file.quarantined`
    case fileQuarantined(FileQuarantined)
    /// `file.restored`
    case fileRestored(FileRestored)
    /// `key_file.exposed`
    case keyFileExposed(KeyFileExposed)
    /// `check.changed`
    case checkChanged(CheckChanged)
    /// `gate.opened`
    case gateOpened(GateOpened)
    /// `gate.closed`
    case gateClosed(GateClosed)
    /// `gate.override`
    case gateOverride(GateOverride)
    /// `gate.tampered`
    case gateTampered(GateTampered)
    /// `signatures.loaded`
    case signaturesLoaded(SignaturesLoaded)
    /// `signatures.stale`
    case signaturesStale(SignaturesStale)
    /// `config.reloaded`
    case configReloaded(ConfigReloaded)
    /// `config.rejected`
    case configRejected(ConfigRejected)
    /// `state.problem`
    case stateProblem(StateProblem)
    /// `agent.started`
    case agentStarted(AgentStarted)
    /// `agent.stopped`
    case agentStopped(AgentStopped)

    /// What is told with it, and how.
    public var payload: any EventPayload {
        switch self {
        case .scanStarted(let payload): payload
        case .scanProgress(let payload): payload
        case .scanFinished(let payload): payload
        case .scanInterrupted(let payload): payload
        case .scanResumed(let payload): payload
        case .scanPlanned(let payload): payload
        case .summary(let payload): payload
        case .file(let payload): payload
        case .fileQuarantined(let payload): payload
        case .fileRestored(let payload): payload
        case .keyFileExposed(let payload): payload
        case .checkChanged(let payload): payload
        case .gateOpened(let payload): payload
        case .gateClosed(let payload): payload
        case .gateOverride(let payload): payload
        case .gateTampered(let payload): payload
        case .signaturesLoaded(let payload): payload
        case .signaturesStale(let payload): payload
        case .configReloaded(let payload): payload
        case .configRejected(let payload): payload
        case .stateProblem(let payload): payload
        case .agentStarted(let payload): payload
        case .agentStopped(let payload): payload
        }
    }

    /// Its name and number.
    public var kind: EventKind { payload.kind }
    /// What a person reads, in one line.
    public var message: MessageText { payload.message }
    /// How urgent it is.
    public var priority: Priority { payload.priority }
}

extension EventName {
    /// The payload that comes with this name.
    var payload: any EventPayload.Type {
        switch self {
        case .scanStarted: ScanStarted.self
        case .scanProgress: ScanProgress.self
        case .scanFinished: ScanFinished.self
        case .scanInterrupted: ScanInterrupted.self
        case .scanResumed: ScanResumed.self
        case .scanPlanned: ScanPlanned.self
        case .summary: ScanSummary.self
        case .fileClean, .fileUnchanged, .fileInfected, .fileIncomplete, .fileSkipped: FileReport.self
        case .fileQuarantined: FileQuarantined.self
        case .fileRestored: FileRestored.self
        case .keyFileExposed: KeyFileExposed.self
        case .checkChanged: CheckChanged.self
        case .gateOpened: GateOpened.self
        case .gateClosed: GateClosed.self
        case .gateOverride: GateOverride.self
        case .gateTampered: GateTampered.self
        case .signaturesLoaded: SignaturesLoaded.self
        case .signaturesStale: SignaturesStale.self
        case .configReloaded: ConfigReloaded.self
        case .configRejected: ConfigRejected.self
        case .stateProblem: StateProblem.self
        case .agentStarted: AgentStarted.self
        case .agentStopped: AgentStopped.self
        }
    }
}
