internal import LinuxSystem

/// A node exporter that runs on this host, and the folder it reads metrics of others from.
public struct NodeExporter: Equatable, Sendable {
    /// Its process.
    public var process: HostProcess
    /// `--collector.textfile.directory`, as its path is on the host; nil where it was started without.
    public var folder: String?

    /// Debian's folder, which its package names on the command line.
    public static let debianFolder = "/var/lib/prometheus/node-exporter"

    /// The node exporters that run.
    public static func running(_ files: HostFiles, _ processes: HostProcesses) -> [NodeExporter] {
        processes.all.filter { ["node_exporter", "prometheus-node-exporter", "node-exporter"].contains($0.program) }
            .map { process in
                let named = process.option("--collector.textfile.directory", "-collector.textfile.directory")
                let folder = named.map { $0 == "" ? nil : $0 } ?? nil
                return NodeExporter(
                    process: process, folder: folder.map { files.hostFolder($0, by: process) ?? $0 })
            }
    }
}
