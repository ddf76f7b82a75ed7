import Agent
import ArgumentParser
import Config
import Glibc
import LinuxSystem
import SystemPackage

/// The state folder as commands use it that only look or decide.
enum StateFolder {
    /// The findings; nil where no scan has kept anything yet. What is wrong is told, and the command ends with 2.
    static func findings(_ settings: Configuration) throws -> FindingsStore? {
        let state = settings.paths.state.path
        guard exists(state) else {
            printError("note: there is no \(printable(state)) yet: nothing was kept by any scan")
            return nil
        }
        let store = try reading { try FindingsStore(state: state) }
        if let note = store.note {
            printError("nodeguard: \(note). What was open in it is not known: scan with --full")
        } else {
            for aside in FindingsStore.damagedFiles(state: state) {
                printError(
                    "note: \(printable(aside)) was damaged and set aside; what was open in it is not shown here. "
                        + "Delete it when it is not needed any more")
            }
        }
        return store
    }

    /// Runs what needs the state folder; where that fails, says so and ends the command with 2.
    static func reading<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            printError("nodeguard: \(error)" + (geteuid() == 0 ? "" : "; this needs root"))
            throw ExitCode(2)
        }
    }
}
