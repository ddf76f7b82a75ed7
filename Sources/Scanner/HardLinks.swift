internal import Journal
internal import LinuxSystem

/// What became of files that have more than one name, so that each is looked at once.
///
/// A name is believed to be the same file where device, inode, size and both times are what they were before and after
/// the look at the first one. Every entry is dropped with the last of its names, and beyond a bound none is kept:
/// that costs a second look, never a wrong outcome.
struct HardLinks {
    private struct ID: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    private struct Entry {
        let look: Look
        let status: FileStatus
        var namesLeft: UInt32
        var outcome: Outcome?
        var detail: String?
    }

    /// What to do with one more name of a file.
    enum Answer {
        /// The file was looked at under another name.
        case known(Outcome, detail: String?)
        /// It is being looked at under another name: the outcome will be told for this one too.
        case pending(Look)
    }

    private var entries: [ID: Entry] = [:]

    /// About 30 MB.
    private static let mostEntries = 100_000
    /// Clocks of file systems are coarse: a change so soon after another may leave no trace in the times.
    private static let settlingSeconds: Int64 = 2

    /// What is known of the file that a name leads to; nil: it has to be looked at.
    mutating func answer(for status: FileStatus) -> Answer? {
        guard status.links > 1 else { return nil }
        let id = ID(device: status.device, inode: status.inode)
        guard let entry = entries[id], status.size == entry.status.size, status.modified == entry.status.modified,
            status.changed == entry.status.changed
        else { return nil }
        if entry.namesLeft <= 1 { entries[id] = nil } else { entries[id]?.namesLeft -= 1 }
        guard let outcome = entry.outcome else { return .pending(entry.look) }
        return .known(outcome, detail: entry.detail)
    }

    /// A file is about to be looked at.
    mutating func begin(_ look: Look) {
        let status = look.before
        guard status.links > 1, entries.count < Self.mostEntries,
            status.changed.seconds + Self.settlingSeconds < UnixTime.now().microseconds / 1_000_000
        else { return }
        entries[ID(device: status.device, inode: status.inode)] = Entry(
            look: look, status: status, namesLeft: status.links - 1)
    }

    /// A look came to its end.
    mutating func end(_ look: Look, _ outcome: Outcome, detail: String?) {
        let id = ID(device: look.before.device, inode: look.before.inode)
        guard entries[id]?.look === look else { return }
        // What was not seen whole may be seen under the next name.
        if case .incomplete = outcome { return entries[id] = nil }
        entries[id]?.outcome = outcome
        entries[id]?.detail = detail
    }
}

extension Outcome {
    /// The outcome of one more name of a file that had this one.
    var ofAnotherName: Outcome { self == .clean ? .unchanged : self }
}
