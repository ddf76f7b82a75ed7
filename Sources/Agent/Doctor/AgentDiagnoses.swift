internal import Config
internal import LinuxSystem
internal import SystemPackage

/// The agent and its units: running, enabled, alone.
@Sendable func diagnoseAgent(_ patient: Doctor.Patient) -> [Diagnosis] {
    diagnoseUnits(patient) + diagnoseLock(patient)
}

/// The names of the agent's unit and of that which shuts the ports before the network.
let agentUnit = "nodeguard.service"
let earlyUnit = "nodeguard-early.service"

private func diagnoseUnits(_ patient: Doctor.Patient) -> [Diagnosis] {
    let holder = AgentLock.holder(patient)
    guard let units = patient.systemd.units else {
        if case .held = holder { return [] }
        return [
            Diagnosis(
                "agent.no-systemd", .warning,
                "no systemd answers here, so nothing starts the agent, and nothing shuts the ports before the network",
                fix: "nodeguard run (in the foreground, under a supervisor of your own)")
        ]
    }
    var found: [Diagnosis] = []
    let agent = units[agentUnit]
    if agent == nil || agent?.load == "not-found" {
        if case .held = holder {
        } else {
            found.append(
                Diagnosis(
                    "agent.not-installed", .error,
                    "there is no unit \(agentUnit): nobody watches the posture, or scans by the schedule",
                    fix: "apt install --reinstall nodeguard"))
        }
    } else if let agent {
        if agent.active == "failed" {
            found.append(
                Diagnosis(
                    "agent.failed", .error, "\(agentUnit) has failed (\(agent.result))",
                    fix:
                        "journalctl -u \(agentUnit) -n 50; systemctl reset-failed \(agentUnit); systemctl start \(agentUnit)"
                ))
        } else if agent.active != "active" && agent.active != "reloading" && agent.active != "activating" {
            if case .held = holder {
            } else {
                found.append(
                    Diagnosis(
                        "agent.not-running", .error,
                        "\(agentUnit) is \(agent.active): the ports shut when the lease ends, and no scan begins",
                        fix: "systemctl start \(agentUnit)"))
            }
        }
        if agent.load == "masked" || (agent.file != "enabled" && agent.file != "static") {
            found.append(
                Diagnosis(
                    "agent.not-enabled", .error,
                    "\(agentUnit) is \(agent.load == "masked" ? "masked" : agent.file): it does not start after a reboot",
                    fix: agent.load == "masked" ? "systemctl unmask \(agentUnit)" : "systemctl enable \(agentUnit)"))
        }
    }
    if let early = units[earlyUnit], early.load != "not-found" {
        if early.file != "enabled" {
            found.append(
                Diagnosis(
                    "early.not-enabled", patient.settings.policy.gate.mode == .enforce ? .error : .warning,
                    "\(earlyUnit) is not enabled: between boot and the agent the ports stand open",
                    fix: "systemctl enable \(earlyUnit)"))
        }
        if early.active == "failed" {
            found.append(
                Diagnosis(
                    "early.failed", .error, "\(earlyUnit) has failed: the ports were not shut before the network",
                    fix: "journalctl -b -u \(earlyUnit)"))
        }
    }
    return found
}

private func diagnoseLock(_ patient: Doctor.Patient) -> [Diagnosis] {
    switch AgentLock.holder(patient) {
    case .nobody: return []
    case .unknown(let reason): return [.needsRoot("agent.lock", reason)]
    case .held(let id, let process):
        guard let process, process.isInContainer,
            patient.systemd.units?[agentUnit].map({ $0.load == "loaded" }) ?? false
        else { return [] }
        return [
            Diagnosis(
                "agent.two", .error,
                "the agent that holds the host's lock is process \(id), \(process.title), in a container (\(printable(process.controlGroup.utf8))), and this host has \(agentUnit) too: only one of them can work",
                fix: "systemctl disable --now \(agentUnit) (or take the node out of the DaemonSet)")
        ]
    }
}

/// Who holds the lock of this host's agent, `lock` in the state folder (flock(2)).
enum AgentLock {
    enum Holder: Equatable {
        case nobody
        /// A process; the number is 0 where it is of another PID namespace.
        case held(Int32, HostProcess?)
        case unknown(String)
    }

    static func holder(_ patient: Doctor.Patient) -> Holder {
        let path = patient.settings.paths.state.path.appending("lock").string
        guard let status = patient.files.status(path) else {
            // Mode 0700: who may not look into the folder cannot tell.
            let isHidden = patient.files.names(patient.settings.paths.state.path.string).isUnreadable
            return isHidden ? .unknown("whether an agent holds \(path)") : .nobody
        }
        // proc_locks(5): 1: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF, the device in hexadecimal.
        let device = "\(hex(status.device >> 32)):\(hex(status.device & 0xffff_ffff)):\(status.inode)"
        for line in patient.files.lines("/proc/locks") {
            let fields = line.split(separator: " ")
            guard fields.count > 5, fields[1] == "FLOCK", fields[5] == device, let id = Int32(fields[4]) else {
                continue
            }
            return .held(id, patient.survey.processes[id])
        }
        return .nobody
    }

    private static func hex(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return text.count < 2 ? "0" + text : text
    }
}
