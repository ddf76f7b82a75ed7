internal import LinuxSystem
internal import SystemPackage

/// A process of the host, as /proc tells of it (proc(5)).
public struct HostProcess: Equatable, Sendable {
    /// Its number.
    public var id: Int32
    /// The process that started it.
    public var parent: Int32
    /// The name of its executable's file; where that may not be asked, of what it was started as.
    public var program: String
    /// Its arguments, without its own name.
    public var arguments: [String]
    /// Its effective user.
    public var uid: UInt32
    /// Its network namespace, `net:[4026531840]`; nil where it may not be asked.
    public var networkNamespace: String?
    /// Its control group's path.
    public var controlGroup: String

    /// Whether it runs in a container of a runtime that names its control groups as is usual.
    public var isInContainer: Bool {
        ["kubepods", "docker", "libpod", "crio-", "cri-containerd", "lxc", "machine.slice"].contains {
            controlGroup.contains($0)
        }
    }

    /// `geth (process 4711)`, safe to print.
    public var title: String { "\(printable(program.utf8)) (process \(id))" }

    /// The value of an option, written as `--name value` or `--name=value`.
    public func option(_ names: String...) -> String? {
        for (index, argument) in arguments.enumerated() {
            for name in names {
                if argument == name { return index + 1 < arguments.count ? arguments[index + 1] : nil }
                if argument.hasPrefix(name + "=") { return String(argument.dropFirst(name.count + 1)) }
            }
        }
        return nil
    }
}

/// All processes of a host.
public struct HostProcesses: Sendable {
    /// The processes with a command line: kernel threads are left out.
    public let all: [HostProcess]
    /// The network namespace that the gate stands in, which is this process's own; nil where that cannot be told.
    public let hostNetwork: String?
    /// The processes whose executable, or whose network, may not be looked at, as for whoever is not root.
    public let hidden: [Int32]

    /// Whether there is one of these.
    public var isPartial: Bool { !hidden.isEmpty }

    /// Reads them.
    public init(_ files: HostFiles) {
        var all: [HostProcess] = []
        var hidden: [Int32] = []
        let numbers = (files.names("/proc").value ?? []).compactMap { Int32($0) }.sorted()
        for id in numbers {
            guard let commandLine = files.bytes("/proc/\(id)/cmdline", limit: 1 << 17).value, !commandLine.isEmpty
            else {
                continue
            }
            let words = commandLine.split(separator: 0, omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            let executable = files.link("/proc/\(id)/exe")
            let namespace = files.link("/proc/\(id)/ns/net")
            if executable.isUnreadable || namespace.isUnreadable { hidden.append(id) }
            let deleted = " (deleted)"
            var name = executable.value ?? words.first ?? ""
            if name.hasSuffix(deleted) { name.removeLast(deleted.count) }
            let status = files.lines("/proc/\(id)/status")
            func field(_ key: String, _ place: Int) -> UInt32? {
                status.first { $0.hasPrefix(key + ":") }?.split(whereSeparator: { $0 == "\t" || $0 == " " })
                    .dropFirst(place).first.flatMap { UInt32($0) }
            }
            // Real, effective, saved, file system: the second is whose rights it has.
            guard let uid = field("Uid", 2) else { continue }
            let group = files.lines("/proc/\(id)/cgroup")
            all.append(
                HostProcess(
                    id: id, parent: Int32(bitPattern: field("PPid", 1) ?? 0),
                    program: name.split(separator: "/").last.map(String.init) ?? name,
                    arguments: Array(words.dropFirst().dropLast(words.last == "" && words.count > 1 ? 1 : 0)), uid: uid,
                    networkNamespace: namespace.value,
                    controlGroup: group.last { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
                        ?? group.first.map { String($0) } ?? ""))
        }
        self.all = all
        self.hidden = hidden
        hostNetwork = files.link("/proc/self/ns/net").value
    }

    /// The process of this number.
    public subscript(id: Int32) -> HostProcess? { all.first { $0.id == id } }
}
