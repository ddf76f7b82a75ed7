internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The listener's process as the agent has it: started, told, watched. Nothing here waits for it.
final class StatusListenerChild {
    private let process: ChildProcess
    private var words: Pipe
    private var failures: Pipe
    private var said: [UInt8] = []
    /// Whether it is behind all its walls and answers.
    private(set) var isServing = false
    /// When it was started, by `monotonicNanoseconds()`.
    let began = monotonicNanoseconds()

    /// Starts it with the socket that it shall answer at.
    init(at listener: borrowing StreamListener) throws(SystemCallError) {
        words = try Pipe()
        failures = try Pipe()
        for end in [words.writeEnd, failures.readEnd] {
            guard fcntl(end.rawValue, F_SETFL, O_NONBLOCK) == 0 else {
                throw SystemCallError("fcntl", "prepare a pipe", errno: .current)
            }
        }
        process = try ChildProcess(
            program: Executables.nodeguard(), arguments: ["status-listener"],
            environment: ChildProcess.bareEnvironment,
            descriptors: [words.readEnd, failures.writeEnd, FileDescriptor(rawValue: listener.rawValue)])
        words.closeReadEnd()
        failures.closeWriteEnd()
    }

    deinit {
        // It ends by itself without the other end, also where this process may not kill it.
        words.closeWriteEnd()
    }

    /// Says how the gate is. Where the pipe is full it does not listen: the word is lost, and those that wait in the pipe
    /// are old by the time that it does.
    func tell(_ word: StatusWord) {
        // Whether it is still there shows in ``end()``.
        _ = try? words.writeEnd.writeAll(word.line)
    }

    /// How it ended, for a person; nil as long as it runs.
    func end() -> String? {
        hear()
        guard let ending = process.ending(withinMilliseconds: 0) else { return nil }
        hear()
        let text = String(decoding: said, as: UTF8.self).split(separator: "\n").first.map(String.init)
        switch ending {
        case .exited(let status): return text ?? "it ended with status \(status)"
        case .killed(SIGSYS): return "its sandbox killed it"
        case .killed(let signal): return "it was killed by signal \(signal)"
        }
    }

    private func hear() {
        guard !isServing else { return }
        do {
            let bytes = try readSome(failures.readEnd)
            // Nothing said, and closed.
            isServing = bytes.isEmpty && said.isEmpty
            said = Array((said + bytes).prefix(2048))
        } catch {
            // Nothing yet.
        }
    }
}
