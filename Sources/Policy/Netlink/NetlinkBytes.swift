/// Reads numbers and attributes out of a netlink message. Nothing in a message is trusted: a length that lies
/// ends the reading, it never reads beyond the bytes at hand.
struct NetlinkReader {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
    }

    var count: Int { bytes.count }

    /// A number of the machine's own byte order at `offset`, nil beyond the end.
    func number<Number: FixedWidthInteger & UnsignedInteger>(at offset: Int, as: Number.Type) -> Number? {
        let size = Number.bitWidth / 8
        guard offset >= 0, offset <= count - size else { return nil }
        var value: Number = 0
        for place in (0..<size).reversed() {
            value = value << 8 | Number(bytes[bytes.startIndex + offset + place])
        }
        return Number(littleEndian: value)
    }

    /// A number of network byte order at `offset`, nil beyond the end.
    func networkNumber<Number: FixedWidthInteger & UnsignedInteger>(at offset: Int, as type: Number.Type) -> Number? {
        number(at: offset, as: type).map { Number(bigEndian: $0) }
    }

    /// What follows a fixed header of `length` bytes, nil where there is not even that.
    func after(_ length: Int) -> NetlinkReader? {
        length <= count ? NetlinkReader(bytes.dropFirst(length)) : nil
    }

    /// A part by offset and length, nil where it is not all there.
    func slice(_ offset: Int, _ length: Int) -> NetlinkReader? {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
        let start = bytes.startIndex + offset
        return NetlinkReader(bytes[start..<start + length])
    }

    var array: [UInt8] { Array(bytes) }

    /// A string up to its NUL or the end; names of the kernel's are bytes, so what is not UTF-8 becomes U+FFFD.
    var string: String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }

    /// The attributes (struct nlattr or rtattr: u16 length, u16 type, padded to 4) in order of appearance.
    /// Nil where one is cut off or shorter than its own header.
    var attributes: [(type: UInt16, value: NetlinkReader)]? {
        var found: [(type: UInt16, value: NetlinkReader)] = []
        var offset = 0
        while count - offset >= 4 {
            guard let length = number(at: offset, as: UInt16.self), let type = number(at: offset + 2, as: UInt16.self),
                length >= 4, let value = slice(offset + 4, Int(length) - 4)
            else { return nil }
            // NLA_F_NESTED and NLA_F_NET_BYTEORDER are not part of the type.
            found.append((type & 0x3fff, value))
            offset += (Int(length) + 3) & ~3
        }
        return found
    }

    /// The attributes by type; of a repeated one the last counts, as in the kernel.
    var attributesByType: [UInt16: NetlinkReader]? {
        attributes.map { Dictionary($0.map { ($0.type, $0.value) }) { $1 } }
    }

    var u8: UInt8? { number(at: 0, as: UInt8.self) }
    var u16: UInt16? { number(at: 0, as: UInt16.self) }
    var u32: UInt32? { number(at: 0, as: UInt32.self) }
    var u64: UInt64? { number(at: 0, as: UInt64.self) }
}

/// Builds the bytes of a netlink message.
struct NetlinkWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) {
        var rest = number.littleEndian
        for _ in 0..<Number.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest = Number.bitWidth > 8 ? rest >> 8 : 0
        }
    }

    mutating func append(_ more: [UInt8]) {
        bytes += more
    }

    mutating func attribute(_ type: UInt16, _ value: [UInt8]) {
        append(UInt16(4 + value.count))
        append(type)
        bytes += value
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    mutating func attribute<Number: FixedWidthInteger & UnsignedInteger>(_ type: UInt16, _ number: Number) {
        var value = NetlinkWriter()
        value.append(number)
        attribute(type, value.bytes)
    }

    /// A number in network byte order, as nftables wants all of its own.
    mutating func attribute<Number: FixedWidthInteger & UnsignedInteger>(_ type: UInt16, network number: Number) {
        attribute(type, number.bigEndian)
    }

    /// A string with its NUL.
    mutating func attribute(_ type: UInt16, string: String) {
        attribute(type, Array(string.utf8) + [0])
    }

    /// An attribute of attributes, with NLA_F_NESTED set as newer families demand.
    mutating func nested(_ type: UInt16, _ build: (inout NetlinkWriter) -> Void) {
        var inner = NetlinkWriter()
        build(&inner)
        attribute(type | 0x8000, inner.bytes)
    }
}
