extension Event {
    /// The fields of its journal entry; nil for what is told as JSON only.
    public var journalEntry: [JournalField]? {
        guard let messageID = kind.messageID else { return nil }
        return [
            JournalField(.message, message.description), JournalField(.messageID, messageID.description),
            JournalField(.priority, priority.rawValue), JournalField(.syslogIdentifier, "nodeguard"),
            JournalField(.event, kind.name.rawValue),
        ] + payload.fields
    }
}
