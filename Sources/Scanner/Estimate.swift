internal import Journal
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// Counts, on a thread of its own beside the scan, what there is to scan, so that the time left can be told.
///
/// It only ever shows: the scan itself counts what it met.
struct Estimate: Sendable {
    /// What there is, once everything was counted.
    struct Totals: Sendable {
        var files: UInt64 = 0
        var bytes: UInt64 = 0
    }

    private final class Shared: Sendable {
        let totals = Mutex<Totals?>(nil)
        let isCancelled = Atomic(false)
    }

    private let shared = Shared()

    /// The totals, or nil as long as they are being counted.
    var totals: Totals? { shared.totals.withLock { $0 } }

    /// Begins to count. Where the kernel starts no thread, the time left is not told.
    func begin(_ roots: [FilePath], _ rules: WalkRules) {
        try? startThread { [shared] in
            var totals = Totals()
            for root in roots {
                var walk = Walk(root: root, rules: rules)
                var bytes: UInt64 = 0
                let size = { (status: FileStatus, _: FileSystemIdentity?, _: Bool) in
                    bytes += status.size
                    return true
                }
                while let met = walk.next(unless: size) {
                    if shared.isCancelled.load(ordering: .relaxed) { return }
                    totals.files += 1
                    if case .file(let candidate) = met { totals.bytes += candidate.status.size }
                }
                totals.bytes += bytes
            }
            shared.totals.withLock { $0 = totals }
        }
    }

    /// Ends the counting; the scan is over.
    func cancel() { shared.isCancelled.store(true, ordering: .relaxed) }
}
