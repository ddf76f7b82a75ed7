import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Scanner

/// Whose waiting counts.
@Suite struct OthersPressureTests {
    private func line(_ percent: String) -> String {
        "some avg10=\(percent) avg60=1.00 avg300=2.00 total=3\nfull avg10=99.00 avg60=1.00 avg300=2.00 total=3\n"
    }

    @Test("the worst of the groups that this process is not in, at every level; its own does not count")
    func groups() throws {
        let folder = try TemporaryFolder()
        try folder.write("proc/self/cgroup", "1:cpu:/\n0::/system.slice/nodeguard.service\n")
        try folder.write("proc/pressure/io", line("90.00"))
        try folder.write("cgroup/cgroup.controllers", "io\n")
        try folder.write("cgroup/kubepods.slice/io.pressure", line("12.50"))
        try folder.write("cgroup/system.slice/io.pressure", line("80.00"))
        try folder.write("cgroup/system.slice/nodeguard.service/io.pressure", line("80.00"))
        try folder.write("cgroup/system.slice/sshd.service/io.pressure", line("3.00"))
        var pressure = OthersPressure(
            controlGroups: folder.path.appending("cgroup"), processes: folder.path.appending("proc"))
        #expect(pressure.readWithSource(.io) == (12.5, .groups))
        try folder.write("cgroup/system.slice/sshd.service/io.pressure", line("33.00"))
        #expect(pressure.read(.io) == 33)
    }

    @Test("where cgroup2 is mounted beside the first version it is found there")
    func hybrid() throws {
        let folder = try TemporaryFolder()
        try folder.write("proc/self/cgroup", "0::/\n")
        try folder.write("cgroup/unified/cgroup.controllers", "")
        try folder.write("cgroup/unified/payload/io.pressure", line("4.00"))
        var pressure = OthersPressure(
            controlGroups: folder.path.appending("cgroup"), processes: folder.path.appending("proc"))
        #expect(pressure.readWithSource(.io) == (4, .groups))
    }

    @Test("where no other group can be seen, the machine's figure; where there is none, nobody's")
    func fallback() throws {
        let folder = try TemporaryFolder()
        try folder.write("proc/self/cgroup", "0::/../../elsewhere\n")
        try folder.write("cgroup/cgroup.controllers", "io\n")
        try folder.write("cgroup/kubepods/io.pressure", line("50.00"))
        try folder.write("proc/pressure/io", line("7.00"))
        var pressure = OthersPressure(
            controlGroups: folder.path.appending("cgroup"), processes: folder.path.appending("proc"))
        #expect(pressure.readWithSource(.io) == (7, .machine))
        #expect(pressure.readWithSource(.cpu) == (nil, .nobody))
    }

    /// Needs root, cgroup2 and a kernel that keeps pressure figures (`psi=1`).
    @Test("a real group whose tasks wait for a processor is noticed")
    func real() throws {
        let name = "nodeguard-test-\(getpid())"
        let found = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
            unsafe access("\($0)/cgroup.controllers", F_OK) == 0
        }
        let root = try #require(found)
        let group = FilePath("\(root)/\(name)")
        let made = unsafe group.withPlatformString { unsafe mkdir($0, 0o755) }
        try #require(made == 0, "cannot make a control group: \(Errno(rawValue: errno))")
        defer { _ = unsafe group.withPlatformString { unsafe rmdir($0) } }
        // More busy tasks than processors: some always wait.
        let busy = try RunningProgram([
            "/bin/sh", "-c",
            """
            echo $$ > \(group)/cgroup.procs
            for i in $(seq $(($(nproc) + 2))); do timeout 60 sh -c 'while :; do :; done' & done
            echo running
            trap 'kill $(jobs -p)' TERM
            wait
            """,
        ])
        try busy.waitForOutput("running")
        let groups = OthersPressure().othersGroups()
        #expect(groups.contains(group))
        let file = group.appending("cpu.pressure")
        let end = ContinuousClock.now.advanced(by: .seconds(60))
        while (OthersPressure.average(file) ?? 0) == 0, ContinuousClock.now < end { usleep(100_000) }
        #expect((OthersPressure.average(file) ?? 0) > 0)
        var pressure = OthersPressure()
        let reading = pressure.readWithSource(.cpu)
        #expect(reading.source == .groups)
        #expect((reading.percent ?? 0) > 0)
        busy.signal(SIGTERM)
        _ = try busy.finish()
    }
}

private func == (left: (percent: Double?, source: OthersPressure.Source), right: (Double?, OthersPressure.Source))
    -> Bool
{
    left.percent == right.0 && left.source == right.1
}
