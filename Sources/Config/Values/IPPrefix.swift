/// A range of addresses of IPv4 or IPv6 as the configuration writes it: `10.42.0.0/16`, `fd00::/8`.
public struct IPPrefix: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "address range", write: "an address, a slash and the length of its prefix, as in 10.42.0.0/16 or fd00::/8")

    /// The first address of the range.
    public let address: IPAddress
    /// The number of leading bits that all addresses of the range share: to 32, or to 128 for IPv6.
    public let length: Int

    /// Reads `10.42.0.0/16`. An address with bits after the prefix (`10.42.1.1/16`) is refused: it is not clear
    /// whether the range or the address was meant.
    public init(parsing text: String) throws(InvalidValue) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ IPAddress(String($0)) }) else {
            throw InvalidValue(text, Self.kind)
        }
        let most = address.bytes.count * 8
        guard parts.count == 2, let length = parts[1].wholeNumber, length <= most else {
            throw InvalidValue(
                text, Self.kind, why: "after the address comes a slash and a length from 0 to \(most), as in /\(most)")
        }
        let first = address.masked(to: length)
        guard first == address else {
            throw InvalidValue(
                text, Self.kind,
                why: "bits are set after the prefix; write \(first.text)/\(length) or \(address.text)/\(most)")
        }
        self.address = address
        self.length = length
    }

    /// As it is written, the address in its usual form.
    public var text: String { "\(address.text)/\(length)" }

    /// Whether every address of `other` is in this range.
    public func contains(_ other: IPPrefix) -> Bool {
        other.address.isIPv6 == address.isIPv6 && other.length >= length
            && other.address.masked(to: length) == address
    }

    /// Whether no address of it belongs to the public internet: private use, shared, loopback, link-local and
    /// multicast (RFC 6890, RFC 4193, RFC 5771, RFC 4291).
    public var isNeverPublic: Bool {
        let ranges: [IPPrefix] = [
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
            "224.0.0.0/4", "255.255.255.255/32", "fc00::/7", "fe80::/10", "::1/128", "ff00::/8",
        ]
        return ranges.contains { $0.contains(self) }
    }
}
