/// IPv4 or IPv6.
public enum AddressFamily: String, CaseIterable, Hashable, Sendable {
    case ipv4 = "IPv4"
    case ipv6 = "IPv6"

    /// Bits of an address.
    public var bits: Int { self == .ipv4 ? 32 : 128 }

    /// AF_INET or AF_INET6 of <bits/socket.h>.
    var number: UInt8 { self == .ipv4 ? 2 : 10 }
}

/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// Which of the two.
    public let family: AddressFamily
    /// The address as a number; an IPv4 address has only its lowest 32 bits.
    public let value: UInt128

    init(_ family: AddressFamily, _ value: UInt128) {
        self.family = family
        self.value = value
    }

    /// The address in `text`: `192.0.2.1` or `2001:db8::1`. Nil for anything else, zones and ports too.
    public init?(_ text: String) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let value = Self.parseIPv6(text) else { return nil }
            self.init(.ipv6, value)
        } else {
            guard let value = Self.parseIPv4(text) else { return nil }
            self.init(.ipv4, UInt128(value))
        }
    }

    /// The address in network byte order; nil unless there are 4 or 16 bytes.
    public init?(bytes: some Collection<UInt8>) {
        let value = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        switch bytes.count {
        case 4: self.init(.ipv4, value)
        case 16: self.init(.ipv6, value)
        default: return nil
        }
    }

    /// Network byte order: 4 or 16 bytes.
    var bytes: [UInt8] {
        (0..<family.bits / 8).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt128($0))) }
    }

    /// The usual spelling; IPv6 by RFC 5952, section 4.
    public var description: String {
        if family == .ipv4 { return bytes.map(String.init).joined(separator: ".") }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(16 * (7 - $0))) }
        // The longest run of at least two zero groups becomes "::", the first of equals.
        var best = 0..<0
        var start = 0
        while start < 8 {
            let end = groups[start...].firstIndex { $0 != 0 } ?? 8
            if end - start > max(best.count, 1) { best = start..<end }
            start = max(end, start + 1)
        }
        let hex = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        if best.isEmpty { return hex(groups[...]) }
        return hex(groups[..<best.lowerBound]) + "::" + hex(groups[best.upperBound...])
    }

    private static func parseIPv4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            // A leading zero is refused: some read it as octal.
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 0x30, let number = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(number)
        }
        return value
    }

    private static func parseIPv6(_ text: String) -> UInt128? {
        let halves: [[Substring]]
        if let gap = text.utf8.indices.first(where: { text.utf8[$0...].starts(with: "::".utf8) }) {
            let after = text.utf8.index(gap, offsetBy: 2)
            halves = [text[..<gap], text[after...]].map {
                $0.isEmpty ? [] : $0.split(separator: ":", omittingEmptySubsequences: false)
            }
        } else {
            halves = [text.split(separator: ":", omittingEmptySubsequences: false)]
        }
        var groups: [[UInt16]] = []
        for (index, half) in halves.enumerated() {
            var numbers: [UInt16] = []
            for (place, part) in half.enumerated() {
                if index == halves.count - 1 && place == half.count - 1, let four = parseIPv4(part) {
                    numbers += [UInt16(four >> 16), UInt16(truncatingIfNeeded: four)]
                } else {
                    guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
                        let number = UInt16(part, radix: 16)
                    else { return nil }
                    numbers.append(number)
                }
            }
            groups.append(numbers)
        }
        let count = groups.reduce(0) { $0 + $1.count }
        guard groups.count == 2 ? count <= 7 : count == 8 else { return nil }
        let all = groups[0] + Array(repeating: 0, count: 8 - count) + (groups.count == 2 ? groups[1] : [])
        return all.reduce(UInt128(0)) { $0 << 16 | UInt128($1) }
    }
}

/// A range of addresses by prefix: `10.42.0.0/16`. Bits beyond the prefix are always zero.
public struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
    /// The first address.
    public let address: IPAddress
    /// Bits that are fixed: 0 to 32 or 128.
    public let length: Int

    /// A range; bits of `address` beyond `length` are dropped. Nil for an impossible length.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.bits).contains(length) else { return nil }
        let free = UInt128(address.family.bits - length)
        let fixed = free >= 128 ? 0 : (address.value >> free) << free
        self.address = IPAddress(address.family, fixed)
        self.length = length
    }

    /// The range in `text`: `10.42.0.0/16`, or an address alone. Nil for anything else, and where bits beyond the
    /// prefix are set: `10.42.0.1/16` is more likely a mistake than a range.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        var length = address.family.bits
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(parts[1])
            else { return nil }
            length = number
        }
        self.init(address, length: length)
        guard self.address == address else { return nil }
    }

    /// Which family.
    public var family: AddressFamily { address.family }

    /// The first address as a number.
    var first: UInt128 { address.value }

    /// The last address as a number.
    var last: UInt128 {
        let free = UInt128(family.bits - length)
        return first | (free >= 128 ? UInt128.max : (1 << free) - 1)
    }

    /// Whether an address lies in the range; never across families.
    public func contains(_ other: IPAddress) -> Bool {
        other.family == family && (first...last).contains(other.value)
    }

    /// `10.42.0.0/16`.
    public var description: String { "\(address)/\(length)" }
}
