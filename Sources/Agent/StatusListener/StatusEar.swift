internal import LinuxSystem
internal import SystemPackage

/// The listener's end of the pipe: what the agent said last.
struct StatusEar {
    /// An agent that was not heard for so long is stopped, stuck or starved: then nothing is known of the gate.
    static let patience: UInt64 = 3_000_000_000
    /// What is said then.
    static let silence = "nodeguard does not say"

    private var last: StatusWord?
    private var rest: [UInt8] = []

    /// Takes what came through the pipe.
    mutating func hear(_ bytes: [UInt8]) {
        rest += bytes
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // What follows the last end of a line is not a whole one yet.
        rest = Array(lines.removeLast())
        for line in lines { if let word = StatusWord(line: line) { last = word } }
    }

    /// Why the gate is shut, or nothing is known; nil where it is open.
    func shutBecause(at now: UInt64) -> String? {
        guard let last, last.moment <= now, now - last.moment <= Self.patience else { return Self.silence }
        return last.shutBecause
    }
}
