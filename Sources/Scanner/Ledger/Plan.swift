internal import Journal
internal import LinuxSystem

/// What a plan is held against, besides what the order says.
public struct PlanBounds: Codable, Sendable {
    /// The part of the day in which scans run; nil: all of it.
    public var window: ScanWindow?

    /// Bounds.
    public init(window: ScanWindow?) {
        self.window = window
    }
}

/// What there is, what of it is due, and whether the nights are long enough for it.
struct Plan {
    private struct Amount {
        var files: UInt64 = 0
        var bytes: UInt64 = 0

        mutating func add(_ size: UInt64) {
            files += 1
            bytes += size
        }
    }

    private var all = Amount()
    private var due = Amount()

    /// A file that was met.
    mutating func add(_ size: UInt64, isDue: Bool) {
        all.add(size)
        if isDue { due.add(size) }
    }

    /// Holds it against the window and `reverify`, at the rate that was measured.
    func judged(
        target: String?, rate: LookRate, bounds: PlanBounds, bytesPerSecond: Double?, reverifySeconds: UInt64
    ) -> ScanPlanned {
        func seconds(_ amount: Amount) -> Double? {
            let measured = rate.seconds(files: amount.files, bytes: amount.bytes)
            guard let bytesPerSecond, bytesPerSecond > 0 else { return measured }
            return max(measured ?? 0, Double(amount.bytes) / bytesPerSecond)
        }
        let night = bounds.window.map { UInt64($0.minutes) * 60 }
        let days = max(1, Double(reverifySeconds) / 86400)
        let needed = seconds(due)
        let once = seconds(all)
        let keepsWindow = needed.map { needed in night.map { needed <= Double($0) } ?? true }
        let keepsReverify = once.map { $0 <= days * Double(night ?? 86400) }
        var warnings: [String] = []
        let faster = bytesPerSecond == nil ? "" : ", or raise scan.throttle.bytesPerSecond"
        if keepsWindow == false, let needed, let night {
            let nights = UInt64((needed / Double(night)).rounded(.up))
            warnings.append(
                """
                the scan takes about \(Self.inWords(needed)) and scan.window has \(Self.inWords(Double(night))): it will \
                take \(nights) nights; to have it done in one, widen scan.window to \(Self.inWords(needed))\(faster)
                """)
        }
        if keepsReverify == false, let once {
            let nightly = Double(night ?? 86400)
            let enough = UInt64((once / nightly).rounded(.up))
            warnings.append(
                """
                to look at everything once takes about \(Self.inWords(once)), and within scan.reverify \
                (\(Self.inWords(Double(reverifySeconds)))) there are \(Self.inWords(days * nightly)): raise scan.reverify \
                to \(enough)d\(night == nil ? "" : ", or widen scan.window to \(Self.inWords(once / days)) a night")\(faster)
                """)
        }
        return ScanPlanned(
            target: target, files: all.files, bytes: all.bytes, filesDue: due.files, bytesDue: due.bytes,
            seconds: needed, windowSeconds: night, reverifySeconds: reverifySeconds, keepsWindow: keepsWindow,
            keepsReverify: keepsReverify, warnings: warnings)
    }

    private static func inWords(_ seconds: Double) -> String {
        let minutes = UInt64((seconds / 60).rounded(.up))
        if seconds < 60 { return "\(UInt64(seconds.rounded(.up))) s" }
        if minutes < 60 { return "\(minutes) min" }
        if minutes < 48 * 60 { return "\(minutes / 60) h \(minutes % 60) min" }
        return "\(minutes / 1440) days"
    }
}

extension ScanWindow {
    /// How long it is.
    fileprivate var minutes: Int { end > start ? end - start : 1440 - start + end }
}

extension SessionOrder.Target {
    /// The same for every scan of the same things.
    var ledgerKey: String {
        if let name { return "target \(name)" }
        // Every path with its length in front, so that two lists are never the same text.
        return "paths " + paths.map { "\($0.bytes.count):\(printable($0))" }.joined(separator: " ")
    }
}
