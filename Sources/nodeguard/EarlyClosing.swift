import Agent
import ArgumentParser
import Config
import Journal
import LinuxSystem
import Policy
import SystemPackage

/// `nodeguard gate close --early`: shuts the ports before the network is up, with nothing but the kernel and files.
///
/// It goes by the configuration; where that cannot be used by the last good one; where that cannot be used either, but
/// there was one or a person forced the gate shut, by the ports of every profile there is. Where nothing of this is
/// there, nothing was ever enforced on this host, and nothing is cut off.
struct EarlyClosing {
    private let main: FilePath
    private let state: FilePath

    init(_ global: GlobalOptions, state: String) {
        main = global.configurationPath
        self.state = FilePath(state)
    }

    func run() throws {
        guard let plan = plan() else { return }
        do throws(KernelGateError) {
            let isOurs = try GateHand.move(plan) { gate throws(KernelGateError) in try gate.shut() }
            if !isOurs { printError("note: an agent runs and holds the gate already") }
        } catch {
            printError("the validators' ports are NOT shut: \(error)")
            throw ExitCode(2)
        }
    }

    /// What to shut; nil: nothing.
    private func plan() -> GatePlan? {
        do throws(RejectedConfiguration) {
            let loaded = try readConfiguration(at: main, profiles: GlobalOptions.profiles(for: main))
            return plan(of: loaded)
        } catch {
            for problem in error.problems { printError(problem.description) }
        }
        do throws(RejectedConfiguration) {
            if let kept = try LastGoodConfiguration(state: state).load() {
                printError("note: the configuration cannot be used, so the last good one in \(state) is")
                return plan(of: kept)
            }
        } catch {
            for problem in error.problems { printError(problem.description) }
            return everyProfile("what was enforced before cannot be known")
        }
        // The break glass does not matter here, so neither does where it is kept.
        if case .forcedShut(let why) = OverrideStore(state: state, runtime: state).current() {
            return everyProfile("the gate was forced shut (\(printable(why.utf8)))")
        }
        printError(
            "note: neither the configuration nor a last good one in \(state) can be used. Nothing was ever enforced on "
                + "this host, so nothing is shut")
        return nil
    }

    private func plan(of loaded: LoadedConfiguration) -> GatePlan? {
        let plan = GateHand(loaded).inForce
        return plan.rules.mode == .enforce ? plan : nil
    }

    /// Every port that some validator client would have by its profile, except those the node lives by.
    private func everyProfile(_ why: String) -> GatePlan {
        let profiles = GlobalOptions.profiles(for: main)?.all ?? []
        let ports = Set(profiles.flatMap(\.ports).map(Policy.Port.init))
        let shut = ports.filter { GateRules.untouchable[$0] == nil }
        printError(
            "note: \(why), so the ports of every profile are shut: "
                + shut.map(\.description).sorted().joined(separator: ", "))
        return GatePlan(
            posture: PosturePolicy(), settings: GateSettings(mode: .enforce),
            rules: GateRules(mode: .enforce, ports: shut))
    }
}
