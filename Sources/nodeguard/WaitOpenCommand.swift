import Agent
import ArgumentParser
import Config
import Glibc
import LinuxSystem
import Policy

/// `nodeguard wait-open`: returns when the gate is open.
struct WaitOpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait-open",
        abstract: "Wait until the gate is open: for ExecStartPre=, and for init containers.",
        discussion: """
            Without --url it asks the kernel, which needs root or CAP_NET_ADMIN. With --url it asks the status listener \
            (policy.statusListen), for which no right is needed. A gate that only observes, or is disabled, is open.

            Exits 0 when the gate is open, 1 when it was not in time.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(help: "How long to wait, as in 5m; without it, for ever.", transform: parseDuration)
    var timeout: TimeSpan?

    @Option(help: "The status listener's address, as in http://127.0.0.1:9477/gate.")
    var url: String?

    func run() throws {
        let end = timeout.map { ContinuousClock.now.advanced(by: $0.duration) }
        var asks: () throws -> GateAnswer
        if let url {
            guard let place = HTTPPlace(url) else {
                throw ValidationError("\(printable(url.utf8)) is not an address like http://127.0.0.1:9477/gate.")
            }
            asks = { place.ask(within: .seconds(5)) }
        } else {
            let settings = try global.loadConfiguration().settings
            let mode = settings.policy.gate.mode
            asks = { mode == .disabled ? .open : try Self.kernel(isEnforced: mode == .enforce) }
        }
        var said: String?
        while true {
            let reason: String
            switch try asks() {
            case .open: return
            case .shut(let why): reason = why
            }
            if reason != said { printError("waiting: \(reason)") }
            said = reason
            if let end, .now >= end {
                printError("nodeguard: the gate did not open in time: \(reason)")
                throw ExitCode(1)
            }
            // Neither the kernel nor a listener across HTTP tells of it by itself.
            poll(nil, 0, 250)
        }
    }

    /// What the kernel does with the ports now.
    ///
    /// - Parameter isEnforced: whether it is to be guarded at all times. One that only observes is shut where a person
    ///   forced it shut.
    private static func kernel(isEnforced: Bool) throws -> GateAnswer {
        do throws(KernelGateError) {
            switch try KernelGate().read() {
            case .open: return .open
            case .shut: return .shut("the gate is shut: nodeguard status says why")
            // The mode enforce is wanted, and nothing enforces yet: the agent is just starting, or does not run.
            case .absent, .observing:
                return isEnforced ? .shut("the gate is not in the kernel yet: does nodeguard run?") : .open
            }
        } catch {
            if error == .notPermitted {
                printError("nodeguard: \(error); without that right, use --url")
                throw ExitCode(2)
            }
            return .shut(error.description)
        }
    }
}

/// What somebody says of the gate.
enum GateAnswer: Equatable {
    case open
    /// Shut, or not known; why, safe to print.
    case shut(String)
}
