import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// Reads something from a disk again and again, on a thread of its own, and keeps what it said last: a disk may hang, and
/// whoever asks here must not hang with it.
final class KeptReading<Value: Sendable>: Sendable {
    /// What was read, and when the reading began.
    struct Answer: Sendable {
        let value: Value
        let at: ContinuousClock.Instant
    }

    private let kept = Mutex<Answer?>(nil)
    private let isOver = Atomic(false)
    private let bell: Bell
    private let watch: OwnedDescriptor
    private let folders: [FilePath]
    private let interval: Int32
    private let read: @Sendable () -> Value
    private let hear: @Sendable (Answer?, Answer) -> Void

    /// However often the folders change, between two readings, in milliseconds.
    private static var pause: Int32 { 10 }

    /// Nothing is read before ``start()``.
    ///
    /// - Parameters:
    ///   - folders: a change in one of them is read at once; they need not be there.
    ///   - interval: how often it is read without a reason, in milliseconds.
    ///   - hear: hears each answer, and the one before, on the thread of this.
    init(
        folders: [FilePath], interval: Int32, _ read: @escaping @Sendable () -> Value,
        hear: @escaping @Sendable (Answer?, Answer) -> Void
    ) throws(SystemCallError) {
        bell = try Bell()
        // Without it a change is noticed at the next reading all the same.
        watch = OwnedDescriptor(
            owning: FileDescriptor(rawValue: inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))))
        self.folders = folders
        self.interval = interval
        self.read = read
        self.hear = hear
    }

    /// What was read last; nil before the first answer.
    var last: Answer? { kept.withLock { $0 } }

    /// Starts the thread; it ends after ``stop()``, or when the disk lets go of it.
    func start() throws(SystemCallError) {
        try startThread { [self] in
            while !isOver.load(ordering: .acquiring) {
                // Before it is read, so that no change between the two is missed; anew each time, for folders that are
                // made later or replaced.
                for folder in folders { look(after: folder) }
                let began = ContinuousClock.now
                let answer = Answer(value: read(), at: began)
                let before = kept.withLock { kept in
                    defer { kept = answer }
                    return kept
                }
                hear(before, answer)
                let ready = try? waitUntilReadable([bell.rawValue, watch.rawValue], milliseconds: interval)
                if ready == [1] { _ = try? waitUntilReadable([bell.rawValue], milliseconds: Self.pause) }
                bell.silence()
                drain()
            }
        }
    }

    /// Reads now.
    func lookNow() { bell.ring() }

    /// Ends the thread.
    func stop() {
        isOver.store(true, ordering: .releasing)
        bell.ring()
    }

    private func look(after folder: FilePath) {
        let wanted = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)
        _ = unsafe folder.withPlatformString { unsafe inotify_add_watch(watch.rawValue, $0, wanted) }
    }

    private func drain() {
        var events = [UInt8](repeating: 0, count: 16384)
        while unsafe events.withUnsafeMutableBytes({ unsafe Glibc.read(watch.rawValue, $0.baseAddress, $0.count) }) > 0
        {}
    }
}
