public import Policy

extension HostFiles {
    /// The addresses of a process's network namespace but for loopback and link-local ones.
    public func addresses(inNetworkOf process: Int32) -> [Policy.IPAddress] {
        var found: [Policy.IPAddress] = []
        // fib_trie: "|-- 10.42.0.7", and beneath it "/32 host LOCAL" where it is the namespace's own.
        var last: Policy.IPAddress?
        for line in lines("/proc/\(process)/net/fib_trie") {
            let words = line.split(separator: " ")
            if words.first == "|--" {
                last = words.dropFirst().first.flatMap { Policy.IPAddress(String($0)) }
            } else if words.first == "/32", words.last == "LOCAL", let address = last, !found.contains(address),
                !Policy.IPPrefix("127.0.0.0/8")!.contains(address)
            {
                found.append(address)
            }
        }
        // if_inet6: address, index, prefix length, scope (0 is global), flags, name.
        for line in lines("/proc/\(process)/net/if_inet6") {
            let words = line.split(separator: " ")
            guard words.count > 5, words[3] == "00", words[0].count == 32 else { continue }
            var rest = words[0]
            var bytes: [UInt8] = []
            while let byte = UInt8(rest.prefix(2), radix: 16), bytes.count < 16 {
                bytes.append(byte)
                rest = rest.dropFirst(2)
            }
            if let address = Policy.IPAddress(bytes: bytes) { found.append(address) }
        }
        return found
    }
}

extension PosturePolicy {
    /// The same with the validators' pods at these addresses, by the validator's name; none: not known.
    func placing(_ addresses: (String) -> [Policy.IPAddress]) -> PosturePolicy {
        var placed = self
        for index in workloads.indices where workloads[index].pod != nil {
            placed.workloads[index].podAddresses = addresses(workloads[index].name)
            placed.workloads[index].isUnresolved = placed.workloads[index].podAddresses.isEmpty
        }
        return placed
    }
}
