/// A posture check came to another answer.
public struct CheckChanged: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.checkChanged, messageID: 0xb0191afd_d5104350_a1e07732_21013184)]

    /// The check's name.
    public var check: String
    /// Its answer before; nil for the first one since the start.
    public var before: Status?
    /// Its answer now.
    public var now: Status
    /// What the answer rests on, for a person.
    public var evidence: String

    /// The answer of a check. Unknown is never taken for pass.
    public enum Status: String, CaseIterable, Codable, Sendable {
        case pass, fail, unknown
    }

    /// Tells that a check came to another answer.
    public init(check: String, before: Status?, now: Status, evidence: String) {
        self.check = check
        self.before = before
        self.now = now
        self.evidence = evidence
    }

    /// Anything but a pass needs attention.
    public var priority: Priority { now == .pass ? .notice : .warning }
    /// What a person reads.
    public var message: MessageText {
        let before: MessageText = before.map { ", before: \($0.rawValue)" } ?? ""
        return "Check \(check): \(now.rawValue)\(before). \(evidence)"
    }
    /// Check, answer and evidence.
    public var fields: [JournalField] {
        [JournalField(.check, check), JournalField(.checkStatus, now.rawValue), JournalField(.detail, evidence)]
    }
    /// The event.
    public var event: Event { .checkChanged(self) }
}

/// What the gate's decisions do to the ports.
public enum GateMode: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
    /// Decisions are told; the ports stay as they are.
    case observe
    /// Decisions open and shut the ports.
    case enforce
    /// There is no gate.
    case disabled
}

/// The gate opened.
public struct GateOpened: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.gateOpened, messageID: 0x090f303e_7f5147f6_b230d276_04682692)]

    /// Why.
    public var reason: String
    /// What that does to the ports.
    public var mode: GateMode

    /// Tells that the gate opened.
    public init(reason: String, mode: GateMode) {
        self.reason = reason
        self.mode = mode
    }

    /// Normal, and worth remembering.
    public var priority: Priority { .notice }
    /// What a person reads.
    public var message: MessageText { "The gate is open\(onlyObserved(mode)): \(reason)" }
    /// Gate, mode and reason.
    public var fields: [JournalField] { gateFields("open", mode, reason) }
    /// The event.
    public var event: Event { .gateOpened(self) }
}

/// The gate closed.
public struct GateClosed: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.gateClosed, messageID: 0x61c107b8_2f934e10_87659ab6_c6c25cdb)]

    /// Why.
    public var reason: String
    /// The check that did not pass; nil where something else closed it.
    public var check: String?
    /// What that does to the ports.
    public var mode: GateMode

    /// Tells that the gate closed.
    public init(reason: String, check: String?, mode: GateMode) {
        self.reason = reason
        self.check = check
        self.mode = mode
    }

    /// Where it shuts the ports, the validators are off the network.
    public var priority: Priority { mode == .enforce ? .error : .warning }
    /// What a person reads.
    public var message: MessageText { "The gate is closed\(onlyObserved(mode)): \(reason)" }
    /// Gate, mode, reason and check.
    public var fields: [JournalField] {
        gateFields("closed", mode, reason) + (check.map { [JournalField(.check, $0)] } ?? [])
    }
    /// The event.
    public var event: Event { .gateClosed(self) }
}

/// A person took the gate into their own hands, or gave it back.
public struct GateOverride: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.gateOverride, messageID: 0x3afc4fda_949b4846_9bee4b60_885356d4)]

    /// What was wanted.
    public var action: Action
    /// Why, as the person gave it, or `expired`.
    public var reason: String
    /// The user who wanted it, by number; nil where time did.
    public var uid: UInt32?

    /// What was wanted.
    public enum Action: Equatable, Sendable {
        /// Open, whatever the posture, until then.
        case open(until: UnixTime)
        /// Closed, through reboots and upgrades.
        case close
        /// Automatic again.
        case resume
    }

    /// Tells of an override.
    public init(action: Action, reason: String, uid: UInt32?) {
        self.action = action
        self.reason = reason
        self.uid = uid
    }

    /// Needs attention.
    public var priority: Priority { action == .resume ? .notice : .warning }
    /// What a person reads.
    public var message: MessageText {
        let by: MessageText = uid.map { " by user \($0)" } ?? ""
        return switch action {
        case .open(let until): "The gate is forced open\(by) until \(until.description): \(reason)"
        case .close: "The gate is forced shut\(by): \(reason)"
        case .resume: "The gate is automatic again\(by): \(reason)"
        }
    }
    /// Gate and reason.
    public var fields: [JournalField] {
        let gate: [JournalField] =
            switch action {
            case .open: [JournalField(.gate, "open")]
            case .close: [JournalField(.gate, "closed")]
            case .resume: []
            }
        return gate + [JournalField(.reason, reason)]
    }
    /// The event.
    public var event: Event { .gateOverride(self) }

    private enum Key: String, CodingKey {
        case action, untilMicroseconds, reason, uid
    }

    /// Writes `"action"`, with `"untilMicroseconds"` for `open`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch action {
        case .open(let until):
            try container.encode("open", forKey: .action)
            try container.encode(until, forKey: .untilMicroseconds)
        case .close: try container.encode("close", forKey: .action)
        case .resume: try container.encode("resume", forKey: .action)
        }
        try container.encode(reason, forKey: .reason)
        try container.encodeIfPresent(uid, forKey: .uid)
    }

    /// Reads what ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(String.self, forKey: .action) {
        case "open": action = .open(until: try container.decode(UnixTime.self, forKey: .untilMicroseconds))
        case "close": action = .close
        case "resume": action = .resume
        default:
            throw DecodingError.dataCorruptedError(forKey: .action, in: container, debugDescription: "unknown action")
        }
        reason = try container.decode(String.self, forKey: .reason)
        uid = try container.decodeIfPresent(UInt32.self, forKey: .uid)
    }
}

/// Somebody else changed or removed the gate's rules in the kernel.
public struct GateTampered: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.gateTampered, messageID: 0x3fc2b3c8_d103494e_92bd5f1b_7140054e)]

    /// What was changed.
    public var what: String
    /// The program that did it, where the kernel says.
    public var program: String?
    /// Its process, where the kernel says.
    public var pid: UInt32?
    /// What nodeguard has done about it.
    public var answer: String

    /// Tells that somebody else changed the rules.
    public init(what: String, program: String?, pid: UInt32?, answer: String) {
        self.what = what
        self.program = program
        self.pid = pid
        self.answer = answer
    }

    /// Somebody must look at once.
    public var priority: Priority { .critical }
    /// What a person reads.
    public var message: MessageText {
        let who: MessageText = program.map { ", by \($0)" } ?? ""
        let process: MessageText = pid.map { ", process \($0)" } ?? ""
        return "The gate's rules were changed from outside\(who)\(process): \(what). \(answer)"
    }
    /// What was changed, and the answer.
    public var fields: [JournalField] { [JournalField(.reason, what), JournalField(.detail, answer)] }
    /// The event.
    public var event: Event { .gateTampered(self) }
}

private func onlyObserved(_ mode: GateMode) -> MessageText {
    switch mode {
    case .enforce: ""
    case .observe: " (observed only, the ports stay as they are)"
    case .disabled: " (disabled, the ports stay as they are)"
    }
}

private func gateFields(_ gate: String, _ mode: GateMode, _ reason: String) -> [JournalField] {
    [JournalField(.gate, gate), JournalField(.gateMode, mode.rawValue), JournalField(.reason, reason)]
}
