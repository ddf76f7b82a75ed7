import ArgumentParser
import Config
import LinuxSystem
import Policy
import SystemPackage

/// `nodeguard gate remove`: what removing the Debian package does with the gate.
struct GateRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take the gate's rules out of the kernel, before nodeguard is removed.",
        discussion: """
            Every port is then as it would be without nodeguard: open, as far as other rules let it be. Refused while an \
            agent runs. A forced closing stays remembered, and holds again when nodeguard comes back.
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let before: KernelGateReading
        do throws(KernelGateError) {
            let gate = try KernelGate()
            before = try gate.read()
            try gate.remove()
        } catch {
            // A kernel without nftables has no gate either.
            if case .unsupported = error { return }
            printError("nodeguard: the gate stays as it is: \(error)")
            throw ExitCode(2)
        }
        switch before {
        case .absent, .observing: return
        case .open, .shut: break
        }
        printError("nodeguard: the gate is removed: nothing shuts the validators' ports any more")
        if case .forcedShut(let reason) = overrideStore().current() {
            printError(
                "nodeguard: it had been forced shut (\(printable(reason.utf8))). THESE PORTS ARE OPEN NOW. Stop the "
                    + "validator clients here, if that reason still holds")
        }
    }

    /// Where a forced closing is remembered. A configuration with mistakes must not keep the package from being removed.
    private func overrideStore() -> OverrideStore {
        let paths = (try? readConfiguration(at: global.configurationPath, profiles: nil))?.settings.paths
        return OverrideStore(
            state: paths.map { FilePath($0.state.text) } ?? "/var/lib/nodeguard",
            runtime: paths.map { FilePath($0.runtime.text) } ?? "/run/nodeguard")
    }
}
