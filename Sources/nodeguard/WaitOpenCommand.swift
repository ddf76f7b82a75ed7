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
        let asks: () throws -> GateAnswer
        if let url {
            guard let place = HTTPPlace(url) else {
                throw ValidationError("\(printable(url.utf8)) is not an address like http://127.0.0.1:9477/gate.")
            }
            // A listener that does not answer must not hold this up beyond its own time; the first question gets a chance.
            asks = {
                let left = end.map { max(ContinuousClock.now.duration(to: $0), .milliseconds(500)) }
                return place.ask(within: min(left ?? .seconds(5), .seconds(5)))
            }
        } else {
            let settings = try global.loadConfigurationOrLastGood().settings
            let mode = settings.policy.gate.mode
            asks = { try Self.kernel(mode) }
        }
        var said: (reason: String, at: ContinuousClock.Instant)?
        while true {
            let reason: String
            switch try asks() {
            case .open: return
            case .shut(let why): reason = why
            }
            // Evidence may count seconds: a wait of hours must not fill a log.
            if said.map({ $0.reason != reason && .now >= $0.at.advanced(by: .seconds(10)) }) ?? true {
                printError("waiting: \(reason)")
                said = (reason, .now)
            }
            if let end, .now >= end {
                printError("nodeguard: the gate did not open in time: \(reason)")
                throw ExitCode(1)
            }
            // Neither the kernel nor a listener across HTTP tells of it by itself.
            poll(nil, 0, 250)
        }
    }

    /// What the kernel does with the ports now. Where the gate only observes or is disabled, nothing but a closing by
    /// hand shuts them.
    private static func kernel(_ mode: Configuration.Gate.Mode) throws -> GateAnswer {
        do throws(KernelGateError) {
            switch try KernelGate().read() {
            case .open: return .open
            case .shut: return .shut("the gate is shut: nodeguard status says why")
            case .absent, .observing:
                // Enforcing is wanted, and nothing enforces yet: the agent is just starting, or does not run.
                return mode == .enforce ? .shut("the gate is not in the kernel yet: does nodeguard run?") : .open
            }
        } catch {
            guard mode == .enforce else { return .open }
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
