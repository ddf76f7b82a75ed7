import TestSupport
import Testing

struct CompletionsCommandTests {
    @Test(arguments: ["bash", "zsh", "fish"])
    func `every shell gets a script that knows the commands`(shell: String) throws {
        let result = try runProgram([try builtProgram("nodeguard"), "completions", shell])
        #expect(result.status == 0)
        #expect(result.output.contains("scan-now"))
        if shell == "bash" {
            let checked = try runProgram(["bash", "-n"], input: result.stdout)
            #expect(checked.status == 0, "bash finds the script wrong: \(checked.errors)")
        }
    }

    @Test func `an unknown shell is wrong usage and names the known ones`() throws {
        let result = try runProgram([try builtProgram("nodeguard"), "completions", "tcsh"])
        #expect(result.status == 64)
        #expect(result.errors.contains("'bash', 'zsh' or 'fish'"))
    }
}
