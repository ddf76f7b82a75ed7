/// How fast a scan may go, judged by how long others wait: halves under pressure, grows by half without it.
///
/// Never slower than a floor, so that a scan ends and `reverify` can be kept on a machine that is always busy, and
/// slow in the beginning, because the kernel's ten-second average tells late what a scan does to others.
struct BackOff {
    /// Two megabytes a second: five terabytes in thirty days.
    static let floor: UInt64 = 2 << 20
    /// Where it begins.
    static let start: UInt64 = 8 << 20
    /// Faster than this is as fast as it goes.
    static let top: UInt64 = 1 << 30
    /// Where nobody can be asked how long they wait.
    static let blind: UInt64 = 8 << 20

    /// The pressure that is tolerated, in percent.
    let limit: Double
    /// Bytes a second.
    private(set) var rate = BackOff.start

    init(limit: Double) {
        self.limit = limit
    }

    /// Takes a reading, one a second: percent of the time that others waited, or nil where it cannot be known.
    mutating func judge(_ pressure: Double?) {
        guard let pressure else {
            rate = Self.blind
            return
        }
        if pressure > 2 * limit {
            rate = Self.floor
        } else if pressure > limit {
            rate = max(Self.floor, rate / 2)
        } else {
            rate = min(Self.top, rate + rate / 2)
        }
    }
}
