internal import Config
internal import LinuxSystem
internal import Policy

/// The VPN: what is up and not configured. What is configured and not up is told by the posture checks.
@Sendable func diagnoseVPN(_ patient: Doctor.Patient) -> [Diagnosis] {
    guard let network = patient.survey.network else {
        return [
            Diagnosis(
                "vpn.unknown", .unknown,
                "interfaces and routes are not known: \(patient.survey.networkProblem ?? "the kernel was not asked")",
                fix: "sudo nodeguard doctor, in the host's network")
        ]
    }
    let patterns = patient.settings.policy.vpn.interfaces
    let vpn = VPNInterfaces(network)
    return (vpn.carrying + vpn.idle).filter { interface in !patterns.contains { $0.matches(interface.name) } }.map {
        let carries = vpn.carrying.contains($0)
        let name = printable($0.name.utf8)
        return Diagnosis(
            "vpn.not-configured", carries ? .warning : .note,
            "\(name) (\($0.kind)) is up, \(carries ? "carries the way to the internet, " : "")and is not in policy.vpn.interfaces (\(patterns.map(\.text).joined(separator: ", ")))",
            fix:
                "add \(name) to policy.vpn.interfaces in \(printable(patient.main)), if it is your VPN; then systemctl reload nodeguard"
        )
    }
}
