/// A bound on bytes a second that may be overdrawn: what is already read cannot be given back, so it is waited for
/// afterwards.
struct TokenBucket {
    /// Bytes a second.
    var rate: UInt64 {
        willSet { saved = min(saved, Double(Self.burst(newValue))) }
    }
    /// Bytes that may go at once; negative: as many are still to be waited for.
    private var saved: Double
    private var last: UInt64

    /// What may be saved up is a tenth of a second's worth: after a pause nothing rushes.
    private static func burst(_ rate: UInt64) -> UInt64 { rate / 10 }

    /// A bucket that begins empty at `now`, in nanoseconds.
    init(rate: UInt64, now: UInt64) {
        self.rate = rate
        saved = 0
        last = now
    }

    /// Takes bytes, whether or not they were saved.
    mutating func take(_ bytes: UInt64, now: UInt64) {
        refill(now)
        saved -= Double(bytes)
    }

    /// Nanoseconds until nothing is owed any more.
    mutating func wait(now: UInt64) -> UInt64 {
        refill(now)
        guard saved < 0 else { return 0 }
        return UInt64(-saved / Double(rate) * 1_000_000_000)
    }

    private mutating func refill(_ now: UInt64) {
        guard now > last else { return }
        saved = min(saved + Double(now - last) / 1_000_000_000 * Double(rate), Double(Self.burst(rate)))
        last = now
    }
}
