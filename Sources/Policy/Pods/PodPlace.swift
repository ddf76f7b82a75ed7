import Glibc
public import SystemPackage

/// Which pods are meant: `validators[].pod`.
public struct PodSelector: Hashable, Sendable {
    /// The pods' namespace.
    public let namespace: String
    /// The pod's name, or a pattern of it as in a shell (fnmatch(3)).
    public let name: String

    /// Pods of a namespace, by name or pattern.
    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    func selects(namespace: String, name: String) -> Bool {
        unsafe namespace == self.namespace && fnmatch(self.name, name, 0) == 0
    }
}

/// Where the pods of a selector are now, as far as this node's container runtime tells.
public struct PodPlace: Equatable, Sendable {
    /// The addresses of those that have a network of their own.
    public var addresses: Set<IPAddress> = []
    /// Whether one of them uses the node's own network.
    public var usesNodeNetwork = false
    /// Whether one was found that runs.
    public var isFound = false
    /// Whether one runs whose addresses cannot be told.
    public var hasUnknown = false

    /// Not found.
    public init() {}

    /// Whether it is known where their packets come from.
    public var isKnown: Bool { isFound && !hasUnknown }
}

extension PosturePolicy {
    /// The pods that the validators run in.
    var pods: Set<PodSelector> { Set(workloads.compactMap(\.pod)) }

    /// The same, with the validators' pods where they are now.
    public func placing(_ places: [PodSelector: PodPlace]) -> PosturePolicy {
        var placed = self
        placed.workloads = workloads.flatMap { workload -> [Workload] in
            guard let pod = workload.pod else { return [workload] }
            let place = places[pod] ?? PodPlace()
            var inPod = workload
            inPod.podAddresses = place.addresses.sorted { ($0.family.bits, $0.value) < ($1.family.bits, $1.value) }
            inPod.isUnresolved = !place.isKnown
            guard place.usesNodeNetwork else { return [inPod] }
            // Such a pod is as a program of the node; several of a pattern may be of both kinds.
            var onNode = inPod
            onNode.podAddresses = []
            return place.addresses.isEmpty ? [onNode] : [inPod, onNode]
        }
        return placed
    }

    /// The same, with the validators' pods where they are now.
    ///
    /// - Parameter host: where the node's own root folder is; in a pod it is mounted somewhere else.
    public func placed(host: FilePath = "/") -> PosturePolicy {
        pods.isEmpty ? self : placing(ContainerRuntime(host: host).places(of: pods))
    }
}
