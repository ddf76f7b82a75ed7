internal import Config
internal import Glibc
internal import Journal
internal import LinuxSystem
internal import Policy
internal import Synchronization

/// Reads again and again what scans and freshclam have left on the disks, on a thread of its own: a disk may hang, and
/// neither the gate nor the agent's loop may hang with it. Facts that are not renewed prove nothing after a while.
final class StateWatcher: Sendable {
    /// What was found at one time.
    struct News: Equatable, Sendable {
        /// The signature databases; nil where they cannot be read.
        var databases: SignatureDatabases?
        /// The findings in numbers; nil where they cannot be read.
        var findings: FindingsTally?
    }

    /// What changed, for the agent's loop.
    let news: Mailbox<News>
    private let gate: GateKeeper
    private let bell: Bell
    private let settings: Mutex<Configuration>

    /// How often it looks without being asked to, in milliseconds. New signatures are used by the next scan in any case.
    private static let pause: Int32 = 15_000

    init(_ settings: Configuration, _ gate: GateKeeper) throws(SystemCallError) {
        news = try Mailbox()
        bell = try Bell()
        self.gate = gate
        self.settings = Mutex(settings)
    }

    /// Starts the thread; it lives as long as the process.
    func start() throws(SystemCallError) {
        try startThread { [self] in
            var last: News?
            while true {
                let settings = settings.withLock { $0 }
                gate.inform(StateFacts(reading: settings))
                let now = News(
                    databases: try? SignatureDatabases(reading: settings.scan.signatures.path),
                    findings: FindingsTally.kept(in: settings.paths.state.path))
                if now != last { news.put(now) }
                last = now
                _ = try? waitUntilReadable([bell.rawValue], milliseconds: Self.pause)
                bell.silence()
            }
        }
    }

    /// Takes up another configuration.
    func adopt(_ settings: Configuration) {
        self.settings.withLock { $0 = settings }
        lookNow()
    }

    /// Looks now, as after a scan.
    func lookNow() { bell.ring() }
}
