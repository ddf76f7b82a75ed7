import Glibc
import SystemPackage
import TestSupport
import Testing

/// The helper that every test of a program relies on.
@Suite struct RunProgramTests {
    @Test func collectsStatusOutputsInputEnvironmentAndFolder() throws {
        let result = try runProgram(
            ["/bin/sh", "-c", "cat; echo $WORD >&2; pwd; exit 3"], environment: ["WORD": "spoken"],
            input: Array("given\n".utf8), in: "/usr")
        #expect(result.end == .exited(3))
        #expect(result.output == "given\n/usr\n")
        #expect(result.errors == "spoken\n")
    }

    @Test func moreThanAPipeHoldsOnAllThreeStreams() throws {
        let much = [UInt8](repeating: 65, count: 1_000_000)
        let result = try runProgram(["/bin/sh", "-c", "tee /dev/stderr"], input: much)
        #expect(result.stdout == much)
        #expect(result.stderr == much)
    }

    @Test func tellsTheSignalThatEndedIt() throws {
        let result = try runProgram(["/bin/sh", "-c", "kill -USR1 $$"])
        #expect(result.end == .signalled(SIGUSR1))
        #expect(result.status == nil)
    }

    @Test func aProgramThatIsNotThereIsAnError() {
        #expect(throws: ProgramFailure.self) { try runProgram(["/nonexistent/program"]) }
    }

    @Test func aProgramThatDoesNotEndIsKilled() {
        #expect(throws: ProgramFailure.self) { try runProgram(["/bin/sleep", "1000"], deadline: 0) }
    }

    @Test func noDescriptorLeaksIn() throws {
        let kept = try FileDescriptor.open(FilePath("/dev/null"), .readOnly)
        defer { try? kept.close() }
        let result = try runProgram(["/bin/sh", "-c", "ls /proc/$$/fd"])
        #expect(result.output == "0\n1\n2\n")
    }

    @Test func aRunningProgramCanBeWatchedAndEnded() throws {
        let program = try RunningProgram(["/bin/sh", "-c", "echo ready; exec sleep 1000"])
        #expect(try program.waitForOutput("ready") == "ready\n")
        program.signal(SIGTERM)
        #expect(try program.finish().end == .signalled(SIGTERM))
    }

    @Test func findsTheBuiltPrograms() throws {
        #expect(try runProgram([builtProgram("nodeguard"), "--version"]).output == "0.1.0\n")
    }
}
