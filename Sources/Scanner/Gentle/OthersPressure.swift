internal import LinuxSystem
internal import SystemPackage

/// How long others on this machine wait for the disk or a processor, by the kernel's pressure stall information
/// (Documentation/accounting/psi.rst of the kernel).
///
/// Asked are the control groups that this process is not in: pods, services, people. Where there are none to be seen, as
/// in a container, it is the whole machine, whose figure holds our own waiting too: a scan that backs off from that is
/// slower than it need be, never ruder. Where the kernel keeps no such figures nobody can be asked.
struct OthersPressure {
    /// What is waited for.
    enum Resource: String {
        case io, cpu
    }

    /// Whom the readings are about.
    enum Source: Equatable {
        case groups, machine, nobody
    }

    private let controlGroups: FilePath
    private let processes: FilePath
    private var groups: [FilePath] = []
    private var groupsAge: Int?

    /// Pods come and go: the groups are looked for anew after as many readings.
    private static let lifetime = 30
    /// More groups side by side than these are not asked: the first are as good as any.
    private static let mostGroups = 256

    /// The two file systems of the kernel's; others only in tests.
    init(controlGroups: FilePath = "/sys/fs/cgroup", processes: FilePath = "/proc") {
        self.controlGroups = controlGroups
        self.processes = processes
    }

    /// Percent of the last ten seconds in which somebody waited (`some avg10`), the worst of all groups; nil where
    /// nobody can be asked.
    mutating func read(_ resource: Resource) -> Double? {
        readWithSource(resource).percent
    }

    /// The same, and whom it is about.
    mutating func readWithSource(_ resource: Resource) -> (percent: Double?, source: Source) {
        if groupsAge.map({ $0 >= Self.lifetime }) ?? true {
            groups = othersGroups()
            groupsAge = 0
        }
        groupsAge? += 1
        let readings = groups.compactMap { Self.average($0.appending("\(resource.rawValue).pressure")) }
        if let worst = readings.max() { return (worst, .groups) }
        let machine = Self.average(processes.appending("pressure").appending(resource.rawValue))
        return (machine, machine == nil ? .nobody : .machine)
    }

    /// The siblings of every group on the way down to our own.
    func othersGroups() -> [FilePath] {
        guard let root = hierarchy(), let own = ownGroup() else { return [] }
        var found: [FilePath] = []
        var folder = root
        for name in own.map(Optional.some) + [nil] {
            let inside = Self.subfolders(of: folder)
            found += inside.filter { $0 != name }.map { folder.appending($0) }
            guard let name, inside.contains(name) else { break }
            folder.append(name)
        }
        return Array(found.prefix(Self.mostGroups))
    }

    /// Where cgroup2 is mounted: alone, or beside the first version's hierarchies.
    private func hierarchy() -> FilePath? {
        [controlGroups, controlGroups.appending("unified")].first { exists($0.appending("cgroup.controllers")) }
    }

    /// The names on the way to our own group; nil where it is not to be seen from here. cgroups(7): `0::/path`.
    private func ownGroup() -> [String]? {
        guard let bytes = Self.content(processes.appending("self").appending("cgroup")) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("0::/") }
        guard let path = line?.dropFirst(3) else { return nil }
        let names = path.split(separator: "/").map(String.init)
        return names.contains("..") ? nil : names
    }

    private static func subfolders(of path: FilePath) -> [String] {
        guard let start = try? Opening.start(at: path), let folder = try? Opening.readable(start) else { return [] }
        var reader = FolderReader()
        var names: [String] = []
        while let entry = try? reader.next(of: folder) {
            if entry.kind == .directory { names.append(String(decoding: entry.name.bytes, as: UTF8.self)) }
        }
        return names.sorted()
    }

    /// `some avg10=1.23 avg60=…`: the number; nil where the file cannot be read, as when its group is gone.
    static func average(_ path: FilePath) -> Double? {
        guard let bytes = content(path) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("some ") }),
            let field = line.split(separator: " ").first(where: { $0.hasPrefix("avg10=") })
        else { return nil }
        return Double(String(field.dropFirst(6)))
    }

    private static func content(_ path: FilePath) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
        return try? file.closeAfter { try readSome(file) }
    }
}
