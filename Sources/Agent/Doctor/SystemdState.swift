internal import LinuxSystem
internal import SystemPackage

/// What systemd says of nodeguard's units, asked through systemctl(1).
public struct SystemdState: Equatable, Sendable {
    /// A unit, by `systemctl show`.
    public struct Unit: Equatable, Sendable {
        /// `loaded`, `not-found`, `masked`.
        public var load: String
        /// `active`, `inactive`, `failed`.
        public var active: String
        /// `enabled`, `disabled`; empty where there is no such unit.
        public var file: String
        /// How it ended last: `success`, `exit-code`, `watchdog`.
        public var result: String

        /// A unit in this state.
        public init(load: String, active: String, file: String, result: String = "success") {
            self.load = load
            self.active = active
            self.file = file
            self.result = result
        }
    }

    /// Units by name; nil where systemd is not running here or did not answer.
    public var units: [String: Unit]?

    /// These units.
    public init(units: [String: Unit]?) {
        self.units = units
    }

    /// Asks systemd about these units.
    public static func current(_ names: [String]) -> SystemdState {
        // sd_booted(3): this folder is there exactly where systemd runs.
        guard exists("/run/systemd/system") else { return SystemdState(units: nil) }
        let properties = ["Id", "LoadState", "ActiveState", "UnitFileState", "Result"].map { "--property=\($0)" }
        guard let text = output(of: "/usr/bin/systemctl", ["show"] + properties + names) else {
            return SystemdState(units: nil)
        }
        var units: [String: Unit] = [:]
        for block in text.split(separator: "\n\n") {
            var values: [String: String] = [:]
            for line in block.split(separator: "\n") {
                let parts = line.split(separator: "=", maxSplits: 1)
                values[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
            }
            guard let id = values["Id"] else { continue }
            units[id] = Unit(
                load: values["LoadState"] ?? "", active: values["ActiveState"] ?? "",
                file: values["UnitFileState"] ?? "",
                result: values["Result"] ?? "")
        }
        return SystemdState(units: units)
    }

    private static func output(of program: FilePath, _ arguments: [String]) -> String? {
        guard var pipe = try? Pipe(),
            let child = try? ChildProcess(
                program: program, arguments: arguments, environment: ["LC_ALL=C", "SYSTEMD_PAGER="],
                descriptors: [nil, pipe.writeEnd, nil])
        else { return nil }
        pipe.closeWriteEnd()
        guard child.ends(withinMilliseconds: 5000), let bytes = try? readToEnd(pipe.readEnd), child.wait() == .exited(0)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
