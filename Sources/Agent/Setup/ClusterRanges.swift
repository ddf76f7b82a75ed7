internal import LinuxSystem
public import Policy

/// The address ranges of pods and services, and what tells so.
public enum ClusterRanges {
    /// A range with its reason.
    public struct Range: Equatable, Sendable {
        /// The range.
        public var prefix: Policy.IPPrefix
        /// What was seen, for a person.
        public var reason: String
    }

    /// The ranges of this host; none where it is no node of a cluster.
    public static func ranges(
        _ files: HostFiles, _ processes: HostProcesses, _ network: HostNetwork?, clients: [FoundClient]
    ) -> [Range] {
        var found: [Range] = []
        func add(_ text: String, _ reason: String) {
            for part in text.split(separator: ",") {
                guard let prefix = Policy.IPPrefix(String(part.filter { !" \"'".contains($0) })), prefix.length > 0,
                    !found.contains(where: { $0.prefix == prefix })
                else { continue }
                found.append(Range(prefix: prefix, reason: reason))
            }
        }
        for process in processes.all {
            for option in ["--cluster-cidr", "--service-cluster-ip-range", "--service-cidr"] {
                if let value = process.option(option) { add(value, "\(option) of \(process.title)") }
            }
        }
        var isDistribution = false
        for name in ["rke2", "k3s"] {
            var configurations = ["/etc/rancher/\(name)/config.yaml"]
            configurations += (files.names("/etc/rancher/\(name)/config.yaml.d").value ?? [])
                .map { "/etc/rancher/\(name)/config.yaml.d/\($0)" }
            for file in configurations {
                for line in files.lines(file) {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    guard parts.count == 2, ["cluster-cidr", "service-cidr"].contains(parts[0]) else { continue }
                    add(String(parts[1]), "\(parts[0]) in \(file)")
                }
            }
            isDistribution = isDistribution || files.exists("/var/lib/rancher/\(name)")
        }
        let bridges = (network?.interfaces ?? []).filter { interface in
            ["cni0", "flannel", "cali", "vxlan.calico", "cilium_host", "lxc"].contains { interface.name.hasPrefix($0) }
        }
        // What rke2 and k3s take where nothing is configured (docs.rke2.io, server configuration).
        for text in ["10.42.0.0/16", "10.43.0.0/16"] {
            let usual = Policy.IPPrefix(text)!
            let seen = bridges.first { bridge in
                (bridge.ranges.map(\.address) + bridge.addresses).contains(where: usual.contains)
            }
            if let seen {
                add(text, "\(printable(seen.name.utf8)) has a part of it")
            } else if isDistribution, found.count < 2, !found.contains(where: { $0.prefix.contains(usual.address) }) {
                add(text, "what rke2 and k3s take where nothing else is configured")
            }
        }
        let covered = { (address: Policy.IPAddress) in found.contains { $0.prefix.contains(address) } }
        for bridge in bridges {
            for range in bridge.ranges where !covered(range.address) && range.address.isPrivate && range.length >= 8 {
                add("\(range)", "reached by \(printable(bridge.name.utf8))")
            }
        }
        for client in clients where client.hasOwnNetwork == true {
            for address in files.addresses(inNetworkOf: client.processes[0].id) where !covered(address) {
                add("\(address)", "the address of \(client.name)'s own network")
            }
        }
        return found
    }
}

extension Policy.IPAddress {
    /// RFC 1918, RFC 6598 and RFC 4193: addresses of nobody's on the internet.
    var isPrivate: Bool {
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
            .contains { Policy.IPPrefix($0)!.contains(self) }
    }
}
