internal import Config
internal import LinuxSystem
internal import SystemPackage

/// The metrics: written where a node exporter reads them, and by nobody else.
@Sendable func diagnoseMetrics(_ patient: Doctor.Patient) -> [Diagnosis] {
    guard let textfile = patient.settings.metrics.textfile?.path else { return [] }
    let folder = textfile.removingLastComponent().string
    let shown = printable(folder.utf8)
    var found: [Diagnosis] = []
    if !patient.files.exists(folder) {
        found.append(
            Diagnosis(
                "metrics.no-folder", .error,
                "the folder \(shown) of metrics.textfile is not there: no metric is written",
                fix: "install -d -m 0755 \(shown), or correct metrics.textfile"))
    }
    let exporters = NodeExporter.running(patient.files, patient.survey.processes)
    if exporters.isEmpty {
        found.append(
            Diagnosis(
                "metrics.no-exporter", .warning,
                "no node exporter runs here, so nobody reads the metrics: no alert can fire",
                fix: "apt install prometheus-node-exporter, or kube-prometheus-stack in the cluster"))
    } else if !exporters.contains(where: { $0.folder.map { FilePath($0).lexicallyNormalized() } == FilePath(folder) }) {
        for exporter in exporters {
            let option = "--collector.textfile.directory"
            if let other = exporter.folder {
                found.append(
                    Diagnosis(
                        "metrics.other-folder", .error,
                        "\(exporter.process.title) reads \(printable(other.utf8)), and the metrics are written to \(shown)",
                        fix:
                            "set metrics.textfile to \(printable(other.utf8))/nodeguard.prom, then systemctl reload nodeguard"
                    ))
            } else if exporter.process.isInContainer {
                found.append(
                    Diagnosis(
                        "metrics.no-flag", .error,
                        "\(exporter.process.title) runs in a pod without \(option), as kube-prometheus-stack starts it: it reads no metrics of others",
                        fix:
                            "set prometheus-node-exporter.extraArgs of the chart to its present ones and \(option)=/host/root\(shown)"
                    ))
            } else {
                found.append(
                    Diagnosis(
                        "metrics.no-flag", .error,
                        "\(exporter.process.title) was started without \(option): it reads no metrics of others",
                        fix:
                            "add \(option)=\(shown) to ARGS in /etc/default/prometheus-node-exporter, then systemctl restart prometheus-node-exporter"
                    ))
            }
        }
    }
    for name in patient.files.names(folder).value ?? []
    where name.hasSuffix(".prom") && name != textfile.lastComponent?.string {
        let path = "\(folder)/\(name)"
        guard patient.files.lines(path).contains(where: { $0.hasPrefix("nodeguard_") }) else { continue }
        found.append(
            Diagnosis(
                "metrics.second-writer", .error,
                "\(printable(path.utf8)) has metrics of nodeguard's too: node exporter takes one of them and drops the other",
                fix: "rm \(printable(path.utf8)), and end what writes it"))
    }
    return found
}
