import Glibc
import Journal
import LinuxSystem
import Scanner
import SystemPackage
import TestSupport
import Testing

/// A scan whose output nobody takes, or that is started in a poor environment: nothing is lost but the output, and
/// no status tells that all is well.
@Suite struct UnreadOutputTests {
    /// Runs `scan-now` from a shell; `$@` of the script is the command.
    private func scan(_ house: ScanHouse, _ script: String, _ name: String) throws -> ProgramResult {
        let command = try [
            builtProgram("nodeguard"), "scan-now", "--config", house.configuration.string,
            house.sample.appending(name).string,
        ]
        return try runProgram(["/bin/sh", "-c", script, "sh"] + command)
    }

    @Test(arguments: [#"exec "$@" >&-"#, #"exec "$@" <&- >&-"#, #"exec "$@" >/dev/full"#])
    func aFindingThatCannotBeShownIsKept(_ script: String) throws {
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        let result = try scan(house, script, "bad")
        #expect(result.status == 1)
        #expect(result.errors.contains("cannot write to the standard output"))
        let findings = try runProgram([
            builtProgram("nodeguard"), "findings", "--config", house.configuration.string,
        ])
        #expect(findings.status == 1)
        #expect(findings.output.contains(ScanHouse.signature))
    }

    @Test(arguments: [#"exec "$@" >&-"#, #"exec "$@" >/dev/full"#])
    func aReportThatWasNotWrittenIsNotAllWell(_ script: String) throws {
        let house = try ScanHouse()
        try house.put("good", ScanHouse.good)
        #expect(try scan(house, script, "good").status == 2)
    }

    @Test func nothingIsWrittenIntoWhatTookTheNumberOfAClosedDescriptor() throws {
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        #expect(try scan(house, #"exec "$@" <&- >&- 2>&-"#, "bad").status == 1)
    }

    @Test func otherCommandsTellThatTheirOutputIsLost() throws {
        let house = try ScanHouse()
        let show = try [builtProgram("nodeguard"), "config", "show", "--config", house.configuration.string]
        let result = try runProgram(["/bin/sh", "-c", #"exec "$@" >/dev/full"#, "sh"] + show)
        #expect(result.status == 2)
        #expect(result.errors.contains("No space left on device"))
    }

    /// A session must not start with another's descriptors where there are too few numbers.
    @Test(arguments: [14, 16, 17, 18, 19, 20]) func withHardlyAnyDescriptorsNothingIsMixedUp(_ limit: Int) throws {
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        let result = try scan(house, #"ulimit -n \#(limit); exec "$@""#, "bad")
        #expect(result.status == 1 || result.status == 2)
        #expect(!result.output.contains("{"))
        if result.status == 2 { #expect(result.errors.contains("nodeguard: ")) }
    }

    /// nohup(1) ignores SIGHUP, and waiting for it would undo that. Needs root and FUSE, for a file that holds the scan.
    @Test func anIgnoredSignalStaysIgnored() throws {
        let house = try ScanHouse()
        let strange = try StrangeFiles(at: house.sample, [.init("slow", ScanHouse.bad, .stalls(from: 0))])
        let scan = RunningScan(
            try RunningProgram(["/bin/sh", "-c", #"trap "" HUP; exec "$@""#, "sh"] + house.command()))
        try strange.waitForStalledRead()
        scan.program.signal(SIGHUP)
        strange.answer()
        let result = try scan.finish()
        #expect(result.status == 1)
        #expect(result.completeness == .complete)
    }

    @Test func whatNoCommandForesawIsNotAFinding() throws {
        let house = try ScanHouse()
        // A working folder whose path is longer than the kernel tells.
        try house.shell("i=0; while [ $i -lt 22 ]; do mkdir \"$1\"; cd -P \"$1\"; i=$((i + 1)); done", long)
        let command = try [builtProgram("nodeguard"), "scan-now", "--config", house.configuration.string, "."]
        let result = try runProgram(
            [
                "/bin/sh", "-c", #"i=0; while [ $i -lt 22 ]; do cd -P "$0"; i=$((i + 1)); done; exec "$@""#, long,
            ] + command, in: house.sample)
        #expect(result.status == 2)
        #expect(result.errors.contains("File name too long"))
    }

    private let long = String(repeating: "x", count: 200)
}
