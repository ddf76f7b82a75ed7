public import Journal
internal import LinuxSystem
public import SystemPackage

/// What freshclam, the program that fetches signatures, is doing, as far as its files tell: nothing is started or asked.
public struct Freshclam: Equatable, Sendable {
    /// How it is started on this machine.
    public enum Service: Equatable, Sendable {
        /// There is no freshclam.
        case notInstalled
        /// The service is masked.
        case masked
        /// It is installed, and neither a service nor a timer nor a cron job starts it.
        case disabled
        /// systemd starts the service at boot.
        case enabled
        /// A timer or a cron job starts it from time to time.
        case periodic(String)
    }

    /// How it is started.
    public let service: Service
    /// Whether it runs now.
    public let isRunning: Bool
    /// It does not ask before this: the mirror has refused it (HTTP 403 or 429). Nil where it is in no cool-down.
    public let coolDownUntil: UnixTime?
    /// What its log said last that was a warning or an error, safe to print; nil where there was none since the last
    /// success, or no log.
    public let lastTrouble: String?

    /// Looks at the files beneath `root`, which is `/` but in a test.
    public init(
        root: FilePath = "/", signatures: FilePath = "/var/lib/clamav", now: UnixTime = .now(),
        local: LocalTime = .current()
    ) {
        let files = Files(root: root)
        service = Self.service(files)
        isRunning = Self.isRunning(files)
        let log = files.tail(files.setting("UpdateLogFile") ?? "/var/log/clamav/freshclam.log")
        let lines = log.split(separator: "\n").map(String.init)
        // The file is exact; a log is there also where the file is another user's.
        let folder = files.setting("DatabaseDirectory") ?? signatures.string
        let until = Self.coolDown(files.bytes(folder + "/freshclam.dat")) ?? Self.coolDown(lines, local)
        coolDownUntil = until.flatMap { $0 > now ? $0 : nil }
        lastTrouble = Self.trouble(lines)
    }

    /// What a person should know and do; nil where all is well. It does not look at the databases.
    public var explanation: (what: String, remedy: String)? {
        switch service {
        case .notInstalled:
            return (
                "freshclam is not installed, so no new signatures are fetched",
                "apt install clamav-freshclam, or bring the databases here by other means"
            )
        case .masked:
            return (
                "clamav-freshclam is masked, so no new signatures are fetched",
                "systemctl unmask clamav-freshclam; systemctl enable --now clamav-freshclam"
            )
        case .disabled where !isRunning:
            return (
                "freshclam is installed, but nothing starts it", "systemctl enable --now clamav-freshclam"
            )
        case .enabled where !isRunning:
            return (
                "clamav-freshclam is enabled, but does not run" + (lastTrouble.map { "; its log says: \($0)" } ?? ""),
                "systemctl status clamav-freshclam; systemctl restart clamav-freshclam"
            )
        case .disabled, .enabled, .periodic: break
        }
        if let coolDownUntil {
            return (
                "freshclam waits until \(coolDownUntil), because the mirror refused it (HTTP 403 or 429): too many "
                    + "downloads from this address, or an address or version that is blocked",
                "wait: restarting it does not help. Let it ask at most once an hour (Checks 24); with many machines "
                    + "behind one address set up a mirror of your own (PrivateMirror in freshclam.conf)"
            )
        }
        if let lastTrouble {
            return ("freshclam had trouble: \(lastTrouble)", "see /var/log/clamav/freshclam.log for the rest")
        }
        return nil
    }

    // MARK: Reading

    private static func service(_ files: Files) -> Service {
        let units = ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"]
        let name = "clamav-freshclam.service"
        guard ["/usr/bin/freshclam", "/usr/local/bin/freshclam"].contains(where: files.exists) else {
            return .notInstalled
        }
        if files.exists("/etc/cron.d/clamav-freshclam") { return .periodic("/etc/cron.d/clamav-freshclam") }
        if files.link("/etc/systemd/system/\(name)") == "/dev/null" { return .masked }
        // What `systemctl enable` makes; the unit's WantedBy says multi-user.target.
        if units.contains(where: { files.exists("\($0)/multi-user.target.wants/\(name)") }) { return .enabled }
        let timer = "clamav-freshclam-once.timer"
        if units.contains(where: { files.exists("\($0)/timers.target.wants/\(timer)") }) { return .periodic(timer) }
        return .disabled
    }

    /// By its PID file where it has one (with `--foreground`, as Debian starts it, it has none), else by the names of all
    /// processes.
    private static func isRunning(_ files: Files) -> Bool {
        let told = files.text("/run/clamav/freshclam.pid").split(separator: "\n").first.flatMap { Int($0) }
        let candidates = told.map { ["\($0)"] } ?? []
        return (candidates + files.names("/proc").filter { Int($0) != nil })
            .contains { files.text("/proc/\($0)/comm") == "freshclam\n" }
    }

    /// `retry_after` of freshclam.dat: libfreshclam writes the word FreshClamData and then its `freshclam_dat_v1_t` as
    /// it lies in memory: a version, 37 bytes of an identifier, and at 48 a time_t. More may follow.
    private static func coolDown(_ bytes: [UInt8]) -> UnixTime? {
        let magic = Array("FreshClamData".utf8)
        let place = magic.count + 48
        guard bytes.starts(with: magic), bytes.count >= place + 8, bytes[magic.count] == 1 else { return nil }
        let seconds = bytes[place..<(place + 8)].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        return Int64(exactly: seconds).map(UnixTime.init(seconds:))
    }

    private static let coolDownWords = "You are still on cool-down until after: "

    /// `Fri Jun 26 15:04:15 2026 -> WARNING: You are still on cool-down until after: 2026-06-27 14:17:16`, in local time.
    private static func coolDown(_ lines: [String], _ local: LocalTime) -> UnixTime? {
        guard let line = lines.last(where: { $0.contains(coolDownWords) }),
            let words = line.split(separator: "until after: ").last
        else { return nil }
        let numbers = words.split { !$0.isNumber }.compactMap { Int64($0) }
        guard numbers.count == 6, (1990...9999).contains(numbers[0]), (1...12).contains(numbers[1]) else { return nil }
        let days = daysSince1970(year: numbers[0], month: numbers[1], day: numbers[2])
        let shown = days * 86400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        return UnixTime(seconds: shown - local.offset(at: shown - local.offset(at: shown)))
    }

    /// The first error of the last attempt, or its last warning. An attempt that brings a database, or finds it up to
    /// date, has made good what came before.
    private static func trouble(_ lines: [String]) -> String? {
        var error: String?
        var warning: String?
        for line in lines {
            let text = line.range(after: "-> ") ?? line[...]
            if text.contains("update process started") || text.contains("up-to-date")
                || text.contains(" updated (version")
            {
                error = nil
                warning = nil
            } else if let message = text.after(["ERROR: ", "!"]) {
                error = error ?? printable(message.prefix(200).utf8)
            } else if let message = text.after(["WARNING: ", "^"]) {
                warning = printable(message.prefix(200).utf8)
            }
        }
        return error ?? warning
    }
}

extension String {
    /// What comes after the first `separator`.
    fileprivate func range(after separator: String) -> Substring? {
        let parts = split(separator: separator, maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? parts[1] : nil
    }
}

extension Substring {
    /// The rest after one of these beginnings; nil where it has none of them.
    fileprivate func after(_ beginnings: [String]) -> Substring? {
        beginnings.first(where: hasPrefix).map { dropFirst($0.count) }
    }
}

/// Small files beneath a root; what cannot be read is empty.
private struct Files {
    let root: FilePath

    private func path(_ path: String) -> FilePath { root.pushing(FilePath(String(path.drop { $0 == "/" }))) }

    func exists(_ path: String) -> Bool { LinuxSystem.exists(self.path(path)) }

    func link(_ path: String) -> String? { try? readLink(self.path(path)).string }

    func bytes(_ path: String) -> [UInt8] { (try? readBeginning(of: self.path(path), atMost: 65536)) ?? [] }

    func text(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }

    /// The last 64 KiB of a log, from the beginning of a line.
    func tail(_ path: String) -> String {
        let length: Int64 = 65536
        let bytes = (try? readEnd(of: self.path(path), atMost: length)) ?? []
        let text = String(decoding: bytes, as: UTF8.self)
        return bytes.count >= length ? text.range(after: "\n").map(String.init) ?? "" : text
    }

    func names(_ folder: String) -> [String] {
        guard let handle = try? Opening.folder(at: path(folder)) else { return [] }
        var reader = FolderReader()
        var names: [String] = []
        while let entry = try? reader.next(of: handle) {
            names.append(String(decoding: entry.name.bytes, as: UTF8.self))
        }
        return names
    }

    /// The value of a setting in freshclam.conf.
    func setting(_ name: String) -> String? {
        for line in text("/etc/clamav/freshclam.conf").split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            if words.count == 2, words[0] == name { return String(words[1]) }
        }
        return nil
    }
}
