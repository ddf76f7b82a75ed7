internal import LinuxSystem

/// What the agent says of the gate to its status listener: one line in a pipe, with the moment at which it was true.
///
/// The moment makes it safe to lose or to hold up any line: what is old is not believed, however late it is read.
struct StatusWord: Equatable, Sendable {
    /// When, by `monotonicNanoseconds()`, which both processes share.
    var moment: UInt64
    /// Why the gate is shut; nil where it is open.
    var shutBecause: String?

    /// A longer reason is cut off: a line must go into the pipe in one piece (PIPE_BUF of pipe(7), 4096).
    private static let longestReason = 1024

    /// The line.
    var line: [UInt8] {
        guard let reason = shutBecause else { return Array("\(moment) open\n".utf8) }
        // No line may look like two, here and in an answer.
        let safe = reason.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }
        var text = String(safe)[...]
        while text.utf8.count > Self.longestReason { text.removeLast() }
        return Array("\(moment) shut \(text)\n".utf8)
    }

    /// Of these.
    init(moment: UInt64, shutBecause: String?) {
        self.moment = moment
        self.shutBecause = shutBecause
    }

    /// Reads a line, without its end; nil where it is none of ours.
    init?(line: some Sequence<UInt8>) {
        let parts = String(decoding: Array(line), as: UTF8.self).split(
            separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let moment = UInt64(parts[0]) else { return nil }
        self.moment = moment
        switch (parts[1], parts.count) {
        case ("open", 2): shutBecause = nil
        case ("shut", 3): shutBecause = String(parts[2])
        default: return nil
        }
    }
}
