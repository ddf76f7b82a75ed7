internal import LinuxSystem

/// Says when a session has to wait so that others need not.
///
/// Three bounds, each a bucket: what is handed to the engine (`bytesPerSecond`), what the disks read for us while others
/// wait for them, and what is handed to the engine while others wait for a processor.
final class Pace {
    private var cap: TokenBucket?
    private var disk: Valve?
    private var processor: Valve?
    private var pressure: OthersPressure
    private let clock: () -> UInt64
    private let disks: () -> UInt64
    private var lastReading: UInt64?
    private var diskBytes: UInt64

    /// A bound that moves with the pressure.
    private struct Valve {
        var backOff: BackOff
        var bucket: TokenBucket

        init(limit: Double, now: UInt64) {
            backOff = BackOff(limit: limit)
            bucket = TokenBucket(rate: backOff.rate, now: now)
        }

        mutating func judge(_ pressure: Double?) {
            backOff.judge(pressure)
            bucket.rate = backOff.rate
        }
    }

    /// How often others are asked, in nanoseconds. The kernel computes its averages every two seconds.
    private static let interval: UInt64 = 1_000_000_000
    /// What a file costs a processor at least, in bytes of scanning: every file costs libclamav some milliseconds,
    /// whatever its size.
    private static let leastWork: UInt64 = 128 << 10

    /// - Parameters:
    ///   - clock: nanoseconds that never go back.
    ///   - disks: bytes that the disks have read for this process.
    init(
        _ throttle: Throttle, pressure: OthersPressure = OthersPressure(),
        clock: @escaping () -> UInt64 = monotonicNanoseconds, disks: @escaping () -> UInt64 = bytesReadFromDisks
    ) {
        self.pressure = pressure
        self.clock = clock
        self.disks = disks
        let now = clock()
        cap = throttle.bytesPerSecond.map { TokenBucket(rate: max(1, $0), now: now) }
        disk = throttle.ioPressure.map { Valve(limit: $0, now: now) }
        processor = throttle.cpuPressure.map { Valve(limit: $0, now: now) }
        diskBytes = throttle.ioPressure == nil ? 0 : disks()
    }

    /// Whether anything is held back at all.
    var isHolding: Bool { cap != nil || disk != nil || processor != nil }

    /// What a person should know about how others are asked; nil where there is nothing to tell.
    func note() -> String? {
        guard disk != nil || processor != nil else { return nil }
        switch pressure.readWithSource(disk == nil ? .cpu : .io).source {
        case .groups: return nil
        case .machine: return "the pressure of others cannot be told from our own here: scans go by the whole machine's"
        case .nobody:
            return """
                the kernel does not tell how long others wait (boot with psi=1, or set scan.throttle.bytesPerSecond): \
                scans go at \(BackOff.blind >> 20) MiB a second
                """
        }
    }

    /// So many bytes are about to go to the engine.
    func take(_ bytes: UInt64) {
        cap?.take(bytes, now: clock())
    }

    /// A file of so many bytes is about to be scanned.
    func work(_ bytes: UInt64) {
        processor?.bucket.take(max(bytes, Self.leastWork), now: clock())
    }

    /// So many bytes will be read by somebody else on our behalf.
    func owe(_ bytes: UInt64) {
        disk?.bucket.take(bytes, now: clock())
    }

    /// Milliseconds to wait before the next piece; 0: go on. Counts what the disks have read since it was last asked.
    func wait() -> Int32 {
        guard isHolding else { return 0 }
        let now = clock()
        if lastReading.map({ now - $0 >= Self.interval }) ?? true {
            lastReading = now
            if disk != nil { disk?.judge(pressure.read(.io)) }
            if processor != nil { processor?.judge(pressure.read(.cpu)) }
        }
        if disk != nil {
            let bytes = disks()
            disk?.bucket.take(bytes - diskBytes, now: now)
            diskBytes = bytes
        }
        let longest = max(
            cap?.wait(now: now) ?? 0, disk?.bucket.wait(now: now) ?? 0, processor?.bucket.wait(now: now) ?? 0)
        // Rounded up, so that nobody polls without waiting; and never past the next reading.
        return Int32(min((longest + 999_999) / 1_000_000, 1000))
    }
}
