internal import Glibc
public import LinuxSystem
public import SystemPackage

/// The metrics could not be written; the file of before is still there.
public struct MetricsFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call that failed.
    public let cause: SystemCallError

    /// What to do about it.
    public var fix: String {
        switch cause.errno {
        case .noSuchFileOrDirectory, .notDirectory:
            "create the folder that node-exporter reads (the package prometheus-node-exporter brings one), or name it in "
                + "metrics.textfile"
        case .permissionDenied:
            "let root write there without further rights, for the agent uses none (chown root the folder), or name another "
                + "folder in metrics.textfile"
        case .notPermitted, .readOnlyFileSystem:
            "let nodeguard write there (ReadWritePaths= of its unit, or a writable volume of its pod), or name another "
                + "folder in metrics.textfile"
        case .noSpace, .diskQuotaExceeded: "make room on that file system"
        case .resourceBusy: "stop the other nodeguard on this host: nodeguard doctor names it"
        case .isDirectory: "name a file, not a folder, in metrics.textfile"
        default: "nodeguard doctor says what else is wrong on this host"
        }
    }

    /// What happened, and what to do.
    public var description: String { "the metrics were not written: \(cause); \(fix)" }
}

/// The file that node-exporter's textfile collector reads.
public struct MetricsFile: Sendable {
    /// Where it is.
    public let path: FilePath

    /// A metrics file; its name has to end in `.prom`, or node-exporter does not read it.
    public init(path: FilePath) {
        self.path = path
    }

    /// Removes the file; one that is not there, or cannot be removed, is left.
    public func remove() {
        _ = unsafe path.withPlatformString { unsafe unlink($0) }
    }

    /// Replaces the file, atomically and with mode 0644: node-exporter is another user.
    ///
    /// Waits for the disk: not to be called where waiting is forbidden, such as the gate's loop.
    ///
    /// - Throws: ``MetricsFileError``; the file of before is then still there, and nothing lies beside it.
    public func write(_ snapshot: MetricsSnapshot) throws(MetricsFileError) {
        do throws(SystemCallError) {
            try replaceFile(
                at: path, with: Array(snapshot.prometheusText.utf8),
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw MetricsFileError(cause: error)
        }
    }
}
