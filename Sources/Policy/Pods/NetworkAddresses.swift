import LinuxSystem
import SystemPackage

/// The addresses of the network that a process uses, read from its /proc folder: nothing is entered or asked.
///
/// - Returns: nil where they cannot be read, or where there are more than a pod has.
func networkAddresses(ofProcess folder: FilePath) -> Set<IPAddress>? {
    guard let trie = boundedContents(of: folder.appending("net/fib_trie")) else { return nil }
    var addresses = addressesInTrie(trie)
    // A node without IPv6 has no such file.
    addresses.formUnion(addressesInIPv6List(boundedContents(of: folder.appending("net/if_inet6")) ?? []))
    return addresses.count <= 64 ? addresses : nil
}

/// The node's own addresses in /proc/net/fib_trie: `|-- 10.42.0.5` with `/32 host LOCAL` beneath it.
func addressesInTrie(_ text: [UInt8]) -> Set<IPAddress> {
    let loopback = IPPrefix("127.0.0.0/8")
    var last: IPAddress?
    var found: Set<IPAddress> = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
        let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        if words.first == "|--", words.count == 2 {
            last = IPAddress(words[1])
        } else if words.count == 3, words[1] == "host", words[2] == "LOCAL", words[0] == "/32", let address = last,
            loopback?.contains(address) == false
        {
            found.insert(address)
        }
    }
    return found
}

/// Those of /proc/net/if_inet6: 32 digits, index, prefix length, scope, flags, name. Scope 0x10 is the loopback's, 0x20
/// the link's alone.
func addressesInIPv6List(_ text: [UInt8]) -> Set<IPAddress> {
    var found: Set<IPAddress> = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
        let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 6, words[0].utf8.count == 32, words[3] != "10", words[3] != "20",
            let value = UInt128(words[0], radix: 16)
        else { continue }
        found.insert(IPAddress(.ipv6, value))
    }
    return found
}

/// What a small file contains; nil where it cannot be read or is no small file. Never waits for the other end of a FIFO.
func boundedContents(of path: FilePath, limit: Int = 1 << 20) -> [UInt8]? {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking]) else {
        return nil
    }
    let owned = OwnedDescriptor(owning: file)
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16384)
    while true {
        guard let count = try? unsafe piece.withUnsafeMutableBytes({ try unsafe owned.descriptor.read(into: $0) })
        else { return nil }
        if count == 0 { return bytes }
        bytes += piece[..<count]
        guard bytes.count <= limit else { return nil }
    }
}
