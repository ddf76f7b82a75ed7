internal import FoundationEssentials
internal import LinuxSystem
public import Policy

/// Which pod a process belongs to, from files of kubelet and the container network; nothing is asked over a socket.
public struct HostPod: Equatable, Sendable {
    /// The pod's UID, as Kubernetes made it.
    public var uid: String
    /// Namespace and name; nil where no file tells them.
    public var name: (namespace: String, pod: String)?
    /// Ports of the node that lead to ports of the pod, where these differ or not: hostPort to containerPort.
    public var hostPorts: [(node: Policy.Port, pod: Policy.Port)] = []

    /// The pod's name as its owner's pods share it: `lighthouse-7d9c6b5f4-x2x9z` belongs to a ReplicaSet, and the next pod
    /// has another name.
    public var pattern: String? {
        guard let name = name?.pod else { return nil }
        let parts = name.split(separator: "-")
        // SafeEncodeString of k8s.io/apimachinery/pkg/util/rand has no vowels and no digits that look like letters.
        func isRandom(_ part: Substring, _ lengths: ClosedRange<Int>) -> Bool {
            lengths.contains(part.count) && part.allSatisfy { "bcdfghjklmnpqrstvwxz2456789".contains($0) }
        }
        guard parts.count > 1, let last = parts.last, isRandom(last, 5...5) else { return name }
        let owner = parts.dropLast(parts.count > 2 && isRandom(parts[parts.count - 2], 6...10) ? 2 : 1)
        return owner.joined(separator: "-") + "-*"
    }

    /// Equal in everything.
    public static func == (one: Self, other: Self) -> Bool {
        one.uid == other.uid && one.name?.namespace == other.name?.namespace && one.name?.pod == other.name?.pod
            && one.hostPorts.elementsEqual(other.hostPorts) { $0.node == $1.node && $0.pod == $1.pod }
    }
}

extension HostFiles {
    /// The pod of a process; nil where it is in none.
    public func pod(of process: HostProcess) -> HostPod? {
        guard let uid = Self.podUID(inControlGroup: process.controlGroup) else { return nil }
        var pod = HostPod(uid: uid)
        // kubelet keeps the logs of each pod in NAMESPACE_NAME_UID; neither of the first two can have an underscore.
        for folder in names("/var/log/pods").value ?? [] {
            let parts = folder.split(separator: "_")
            if parts.count == 3, parts[2] == uid { pod.name = (String(parts[0]), String(parts[1])) }
        }
        // libcni keeps what it was asked to do for each container (libcni's cachedInfo).
        for folder in ["/var/lib/cni/results", "/var/lib/rancher/k3s/agent/cni/results"] {
            for file in names(folder).value ?? [] {
                guard let bytes = bytes("\(folder)/\(file)").value,
                    let cached = try? JSONDecoder().decode(CachedNetwork.self, from: Data(bytes)),
                    cached.argument("K8S_POD_UID") == uid
                else { continue }
                if pod.name == nil, let namespace = cached.argument("K8S_POD_NAMESPACE"),
                    let name = cached.argument("K8S_POD_NAME")
                {
                    pod.name = (namespace, name)
                }
                for mapping in cached.capabilityArgs?.portMappings ?? [] {
                    guard let transport = Policy.Port.Transport(rawValue: mapping.protocol?.lowercased() ?? "tcp"),
                        let node = UInt16(exactly: mapping.hostPort),
                        let inside = UInt16(exactly: mapping.containerPort),
                        node != 0
                    else { continue }
                    let pair = (Policy.Port(transport, node), Policy.Port(transport, inside))
                    if !pod.hostPorts.contains(where: { $0 == pair }) { pod.hostPorts.append(pair) }
                }
            }
        }
        return pod
    }

    /// `…/kubepods-burstable-pod0a1b_…_.slice/…` of systemd's driver or `…/kubepods/burstable/pod0a1b-…/…` of cgroupfs'.
    static func podUID(inControlGroup path: String) -> String? {
        for name in path.split(separator: "/").reversed() {
            guard path.contains("kubepods") else { return nil }
            var part = name[...]
            if part.hasSuffix(".slice") { part = part.dropLast(6) }
            let last = part.split(separator: "-", maxSplits: 2).last { $0.hasPrefix("pod") } ?? part
            guard last.hasPrefix("pod") else { continue }
            let uid = last.dropFirst(3).map { $0 == "_" ? "-" : $0 }
            if uid.count >= 32, uid.allSatisfy({ $0.isHexDigit || $0 == "-" }) { return String(uid) }
        }
        return nil
    }

    private struct CachedNetwork: Decodable {
        struct Capabilities: Decodable { let portMappings: [Mapping]? }
        struct Mapping: Decodable {
            let hostPort: Int
            let containerPort: Int
            let `protocol`: String?
        }
        let cniArgs: [[String]]?
        let capabilityArgs: Capabilities?

        func argument(_ name: String) -> String? { cniArgs?.first { $0.first == name }?.last }
    }
}
