internal import FoundationEssentials
import Glibc
import LinuxSystem
public import SystemPackage

/// This node's containerd, seen from outside: the folders in which it keeps what it runs. They are read, never written,
/// and nobody is asked. They lie under /run, which is no disk, so reading them never waits for one.
///
/// Each pod has a sandbox, a container that holds its network. The pod's network is ready before the sandbox begins, and
/// the validator begins after it: at the latest when the validator's own folder appears the pod's addresses can be read.
///
/// Not to be shared by threads.
public final class ContainerRuntime {
    /// k3s and rke2 bring their own containerd.
    static let folders: [FilePath] = [
        "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io",
        "run/containerd/io.containerd.runtime.v2.task/k8s.io",
    ]
    /// More containers than a node may have (the kubelet's usual limit is 110 pods).
    static let mostContainers = 4096

    private let host: FilePath
    /// What was read of each container's folder. A container's specification does not change.
    private var known: [FilePath: [FileName: Container]] = [:]
    private let watch: OwnedDescriptor
    private var watched: Set<FilePath> = []

    private enum Container {
        case other
        case sandbox(Sandbox)
    }

    private struct Sandbox {
        let namespace: String
        let name: String
        let usesNodeNetwork: Bool
        /// Kept when the sandbox has died: what else is in the pod may still send.
        var addresses: Set<IPAddress> = []
    }

    /// - Parameter host: where the node's own root folder is.
    public init(host: FilePath = "/") {
        self.host = host
        // Without it a new pod is noticed at the next look all the same.
        watch = OwnedDescriptor(
            owning: FileDescriptor(rawValue: inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))))
    }

    /// Can be read when containers came or went.
    var descriptor: Int32 { watch.rawValue }

    /// Takes what was told since the last call; whether there was anything.
    func drain() -> Bool {
        var events = [UInt8](repeating: 0, count: 16384)
        var isChanged = false
        // Bounded: what is left makes the next wait end at once.
        for _ in 0..<64 {
            let count = unsafe events.withUnsafeMutableBytes { unsafe read(watch.rawValue, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            isChanged = true
        }
        return isChanged
    }

    /// Where the pods of each selector are now.
    public func places(of selectors: Set<PodSelector>) -> [PodSelector: PodPlace] {
        var places = selectors.reduce(into: [PodSelector: PodPlace]()) { $0[$1] = PodPlace() }
        for folder in Self.folders.map({ host.pushing($0) }) {
            let before = known.removeValue(forKey: folder) ?? [:]
            var now: [FileName: Container] = [:]
            defer { known[folder] = now }
            for name in containers(in: folder) {
                let found = before[name] ?? Self.container(at: folder.appending(Self.text(name)))
                now[name] = found
                guard case .sandbox(var sandbox) = found else { continue }
                let wanted = selectors.filter { $0.selects(namespace: sandbox.namespace, name: sandbox.name) }
                guard !wanted.isEmpty else { continue }
                let isRunning = refresh(&sandbox, folder.appending(Self.text(name)), id: Self.text(name))
                now[name] = .sandbox(sandbox)
                for selector in wanted {
                    places[selector]?.addresses.formUnion(sandbox.addresses)
                    guard isRunning else { continue }
                    places[selector]?.isFound = true
                    if sandbox.usesNodeNetwork {
                        places[selector]?.usesNodeNetwork = true
                    } else if sandbox.addresses.isEmpty {
                        places[selector]?.hasUnknown = true
                    }
                }
            }
        }
        return places
    }

    /// Reads a sandbox's addresses anew.
    ///
    /// - Returns: whether it runs.
    private func refresh(_ sandbox: inout Sandbox, _ container: FilePath, id: String) -> Bool {
        guard let text = boundedContents(of: container.appending("init.pid"), limit: 64),
            let pid = Int32(String(decoding: text, as: UTF8.self).split(separator: "\n").first ?? "")
        else { return false }
        let process = host.appending("proc/\(pid)")
        // The number may be another process's by now. A container's control group is named after it.
        guard let group = boundedContents(of: process.appending("cgroup")),
            String(decoding: group, as: UTF8.self).contains(id)
        else { return false }
        if !sandbox.usesNodeNetwork { sandbox.addresses = networkAddresses(ofProcess: process) ?? [] }
        return true
    }

    /// The names in a folder of containers; none where it is not there. From the first call on, it is watched.
    private func containers(in folder: FilePath) -> [FileName] {
        guard let descriptor = try? Opening.folder(at: folder) else {
            watched.remove(folder)
            return []
        }
        if watched.insert(folder).inserted {
            let wanted = UInt32(IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR | IN_DELETE_SELF)
            let number = unsafe folder.withPlatformString { unsafe inotify_add_watch(watch.rawValue, $0, wanted) }
            if number < 0 { watched.remove(folder) }
        }
        var names: [FileName] = []
        var reader = FolderReader()
        while names.count < Self.mostContainers, let entry = try? reader.next(of: descriptor) {
            names.append(entry.name)
        }
        return names
    }

    /// Names of containers are of letters, digits and a few signs; anything else is nobody's id.
    private static func text(_ name: FileName) -> String { String(decoding: name.bytes, as: UTF8.self) }

    /// What a container is, by its specification (OCI runtime specification, config.json); nil while that is not there.
    private static func container(at container: FilePath) -> Container? {
        struct Specification: Decodable {
            struct Linux: Decodable {
                struct Namespace: Decodable {
                    let type: String
                }
                let namespaces: [Namespace]?
            }
            let annotations: [String: String]?
            let linux: Linux?
        }
        guard let bytes = boundedContents(of: container.appending("config.json")), !bytes.isEmpty else { return nil }
        // Most containers are no sandboxes, and this is a hundred times as fast as reading them.
        let mark = Array("\"sandbox\"".utf8)
        guard bytes.indices.contains(where: { bytes[$0] == mark[0] && bytes[$0...].starts(with: mark) }) else {
            // A specification that is not all there yet is read again.
            return bytes.last == UInt8(ascii: "}") || bytes.last == UInt8(ascii: "\n") ? .other : nil
        }
        guard let read = try? JSONDecoder().decode(Specification.self, from: Data(bytes)) else { return nil }
        let notes = read.annotations ?? [:]
        guard notes["io.kubernetes.cri.container-type"] == "sandbox",
            let namespace = notes["io.kubernetes.cri.sandbox-namespace"],
            let name = notes["io.kubernetes.cri.sandbox-name"], let namespaces = read.linux?.namespaces
        else { return .other }
        return .sandbox(
            Sandbox(
                namespace: namespace, name: name, usesNodeNetwork: !namespaces.contains { $0.type == "network" }))
    }
}
