import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Scanner

/// The bounds of a scan, with a clock of the test's own.
@Suite struct PaceTests {
    /// A clock that moves only when somebody waits.
    final class Clock {
        var now: UInt64 = 1_000_000_000
        func rest(_ milliseconds: Int32) { now += UInt64(milliseconds) * 1_000_000 }
    }

    /// A pressure folder with these figures, for a process in no group of its own.
    static func pressure(_ folder: TemporaryFolder, io: String? = nil, cpu: String? = nil) throws -> OthersPressure {
        try folder.write("proc/self/cgroup", "0::/\n")
        if let io { try folder.write("proc/pressure/io", "some avg10=\(io) avg60=0.00 avg300=0.00 total=1\n") }
        if let cpu { try folder.write("proc/pressure/cpu", "some avg10=\(cpu) avg60=0.00 avg300=0.00 total=1\n") }
        return OthersPressure(controlGroups: folder.path.appending("cgroup"), processes: folder.path.appending("proc"))
    }

    static func look(_ path: FilePath) throws -> Look {
        let start = try Opening.start(at: path)
        let file = try Opening.readable(start)
        let status = try FileStatus.of(file)
        return Look(.file(path: path.bytes), file, before: status)
    }

    @Test("a cap lets no more bytes a second through than it says, over any number of files")
    func cap() throws {
        let folder = try TemporaryFolder()
        let clock = Clock()
        let begin = clock.now
        let pace = Pace(
            Throttle(bytesPerSecond: 1 << 20), pressure: try Self.pressure(folder), clock: { clock.now },
            disks: { 0 })
        let path = try folder.write("file", String(repeating: "x", count: 1 << 20))
        for _ in 0..<10 { try pace.approach(Self.look(path), rest: clock.rest) }
        try pace.hold(rest: clock.rest)
        let seconds = Double(clock.now - begin) / 1e9
        // A tenth of a second's worth may be saved up.
        #expect(seconds >= 9.9 && seconds < 10.5)
    }

    @Test("under pressure the disk is read at the floor, and never slower")
    func floor() throws {
        let folder = try TemporaryFolder()
        let clock = Clock()
        var disks: UInt64 = 0
        let pace = Pace(
            Throttle(ioPressure: 10), pressure: try Self.pressure(folder, io: "80.00"), clock: { clock.now },
            disks: { disks })
        let begin = clock.now
        for _ in 0..<400 {
            disks += 128 << 10
            try pace.hold(rest: clock.rest)
        }
        let rate = Double(disks) / (Double(clock.now - begin) / 1e9)
        #expect(rate < Double(BackOff.floor) * 1.1)
        #expect(rate > Double(BackOff.floor) * 0.9)
    }

    @Test("what comes from the page cache costs the disk nothing and is not held back")
    func warm() throws {
        let folder = try TemporaryFolder()
        let clock = Clock()
        let pace = Pace(
            Throttle(ioPressure: 10), pressure: try Self.pressure(folder, io: "80.00"), clock: { clock.now },
            disks: { 0 })
        let begin = clock.now
        let path = try folder.write("file", String(repeating: "x", count: 4 << 20))
        for _ in 0..<10 { try pace.approach(Self.look(path), rest: clock.rest) }
        #expect(clock.now == begin)
    }

    @Test("processors under pressure hold back small files too: each costs the engine milliseconds")
    func smallFiles() throws {
        let folder = try TemporaryFolder()
        let clock = Clock()
        let pace = Pace(
            Throttle(cpuPressure: 5), pressure: try Self.pressure(folder, cpu: "50.00"), clock: { clock.now },
            disks: { 0 })
        let begin = clock.now
        for _ in 0..<160 {
            pace.work(10)
            try pace.hold(rest: clock.rest)
        }
        // 160 files of 128 KiB at 2 MiB a second.
        #expect(Double(clock.now - begin) / 1e9 > 9)
    }

    @Test("without figures of the kernel's a scan goes at a fixed rate and says so")
    func blind() throws {
        let folder = try TemporaryFolder()
        let clock = Clock()
        var disks: UInt64 = 0
        let pace = Pace(
            Throttle(ioPressure: 10), pressure: try Self.pressure(folder), clock: { clock.now }, disks: { disks })
        #expect(pace.note()?.contains("8 MiB") == true)
        let begin = clock.now
        for _ in 0..<1600 {
            disks += 128 << 10
            try pace.hold(rest: clock.rest)
        }
        let rate = Double(disks) / (Double(clock.now - begin) / 1e9)
        #expect(rate < Double(BackOff.blind) * 1.1)
    }

    @Test("with nothing configured nothing is held back, and nobody is asked")
    func off() throws {
        let pace = Pace(.none, disks: { fatalError("asked the disks") })
        #expect(!pace.isHolding)
        pace.take(1 << 40)
        pace.owe(1 << 40)
        pace.work(1 << 40)
        #expect(pace.wait() == 0)
        #expect(pace.note() == nil)
    }

    @Test("a scan goes faster again when the pressure is gone, and never faster than the top")
    func recovery() {
        var backOff = BackOff(limit: 10)
        backOff.judge(50)
        #expect(backOff.rate == BackOff.floor)
        backOff.judge(15)
        #expect(backOff.rate == BackOff.floor)
        var last = backOff.rate
        for _ in 0..<40 {
            backOff.judge(3)
            #expect(backOff.rate >= last && backOff.rate <= BackOff.top)
            last = backOff.rate
        }
        #expect(last == BackOff.top)
        backOff.judge(15)
        #expect(backOff.rate == BackOff.top / 2)
    }
}
