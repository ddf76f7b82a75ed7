/// A kind of event: its name, and the number the message catalog explains it under.
public struct EventKind: Hashable, Sendable {
    /// The name, in `NODEGUARD_EVENT` and as `"event"` in JSON.
    public let name: EventName
    /// The `MESSAGE_ID`; nil for what is only ever told as JSON and never journaled.
    public let messageID: ID128?

    init(_ name: EventName, messageID: UInt128?) {
        self.name = name
        self.messageID = messageID.map { ID128($0) }
    }

    /// Every kind there is.
    public static var all: [EventKind] { EventName.allCases.map(\.kind) }
}

/// The names of all events.
public enum EventName: String, CaseIterable, Codable, Sendable {
    case scanStarted = "scan.started"
    case scanProgress = "scan.progress"
    case scanFinished = "scan.finished"
    case scanInterrupted = "scan.interrupted"
    case scanResumed = "scan.resumed"
    case scanPlanned = "scan.planned"
    case summary
    case fileClean = "file.clean"
    case fileUnchanged = "file.unchanged"
    case fileInfected = "file.infected"
    case fileIncomplete = "file.incomplete"
    case fileSkipped = "file.skipped"
    case fileQuarantined = "file.quarantined"
    case fileRestored = "file.restored"
    case keyFileExposed = "key_file.exposed"
    case checkChanged = "check.changed"
    case gateOpened = "gate.opened"
    case gateClosed = "gate.closed"
    case gateOverride = "gate.override"
    case gateTampered = "gate.tampered"
    case signaturesLoaded = "signatures.loaded"
    case signaturesStale = "signatures.stale"
    case configReloaded = "config.reloaded"
    case configRejected = "config.rejected"
    case stateProblem = "state.problem"
    case agentStarted = "agent.started"
    case agentStopped = "agent.stopped"

    /// The kind of this name.
    public var kind: EventKind {
        // Every payload declares the kinds it may be; a test proves that each name has exactly one declaration.
        payload.kinds.first { $0.name == self }!
    }
}

/// How urgent an event is, as syslog(3) numbers it.
public enum Priority: Int, Sendable {
    /// Somebody must act now.
    case critical = 2
    /// Something is wrong and will not right itself.
    case error = 3
    /// Something needs attention.
    case warning = 4
    /// Normal, and worth remembering.
    case notice = 5
    /// Normal.
    case info = 6
}

/// What is told with an event, and how: everything about one kind of event is declared in one place.
public protocol EventPayload: Codable, Equatable, Sendable {
    /// The kinds an event with this payload may be: one, except for ``FileReport``.
    static var kinds: [EventKind] { get }
    /// The kind of this one.
    var kind: EventKind { get }
    /// How urgent it is.
    var priority: Priority { get }
    /// What a person reads, in one line.
    var message: MessageText { get }
    /// What a program reads in the journal, besides the fields every entry has.
    var fields: [JournalField] { get }
    /// The event with this payload.
    var event: Event { get }
}
