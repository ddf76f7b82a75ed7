import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// What a person sees on a terminal, and what a pipe gets instead. script(1) of util-linux makes the terminal.
@Suite struct TerminalTests {
    /// Everything that the terminal got from a scan that holds at a file until progress was due.
    private func onTerminal(_ variables: String, to redirection: String = "") throws -> String {
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        let command = try
            "env \(variables) \(builtProgram("nodeguard")) scan-now --config \(house.configuration) \(house.sample) \(redirection)"
        let result = try runProgram(
            ["script", "--quiet", "--return", "--command", command, "/dev/null"],
            environment: ["PATH": "/usr/bin:/bin", "TERM": "xterm"])
        #expect(result.status == 1)
        #expect(result.output.contains("INFECTED"))
        return result.output
    }

    private let clearedLine = "\r\u{1b}[K"

    @Test func aBarIsDrawnAndClearedAgain() throws {
        let output = try onTerminal("X=1")
        #expect(output.contains(clearedLine + "0 "))
        #expect(output.contains("files, "))
        // Cleared before anything else is written, so that no line begins in the middle of it.
        for line in output.split(separator: "\r\n") where line.contains("INFECTED") {
            #expect(line.contains(clearedLine + "INFECTED") || line.hasPrefix("INFECTED"))
        }
        let last = try #require(output.ranges(of: clearedLine).last)
        #expect(!output[last.upperBound...].contains("files, 0 B, "))
    }

    @Test(arguments: ["NO_COLOR=1", "NO_COLOR=", "TERM=dumb"]) func noBarWhereNoneIsWanted(_ variable: String) throws {
        let output = try onTerminal(variable)
        #expect(!output.contains("\u{1b}"))
    }

    @Test func noBarInAPipe() throws {
        #expect(try !onTerminal("X=1", to: "2>&1 | cat; exit 1").contains("\u{1b}"))
        let house = try ScanHouse()
        try house.put("bad", ScanHouse.bad)
        let result = try runProgram([
            builtProgram("nodeguard"), "scan-now", "--config", house.configuration.string, house.sample.string,
        ])
        #expect(!result.stdout.contains(0x1b) && !result.stderr.contains(0x1b))
    }
}
