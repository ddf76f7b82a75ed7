/// One netlink message: struct nlmsghdr of <linux/netlink.h> and what follows it.
struct NetlinkMessage: Equatable {
    var type: UInt16
    var flags: UInt16
    var sequence: UInt32
    var payload: [UInt8]

    /// Flags of the header.
    enum Flag {
        static let request: UInt16 = 0x001
        static let multi: UInt16 = 0x002
        static let acknowledge: UInt16 = 0x004
        static let dumpInterrupted: UInt16 = 0x010
        static let dump: UInt16 = 0x300
        static let replace: UInt16 = 0x100
        static let create: UInt16 = 0x400
        static let append: UInt16 = 0x800
    }

    /// Types that every family has.
    enum Control {
        static let noop: UInt16 = 1
        static let error: UInt16 = 2
        static let done: UInt16 = 3
        static let overrun: UInt16 = 4
    }

    init(type: UInt16, flags: UInt16, sequence: UInt32 = 0, payload: [UInt8] = []) {
        self.type = type
        self.flags = flags
        self.sequence = sequence
        self.payload = payload
    }

    var bytes: [UInt8] {
        var writer = NetlinkWriter()
        writer.append(UInt32(16 + payload.count))
        writer.append(type)
        writer.append(flags)
        writer.append(sequence)
        writer.append(UInt32(0))
        writer.append(payload)
        while writer.bytes.count % 4 != 0 { writer.append(UInt8(0)) }
        return writer.bytes
    }

    /// The messages in one datagram, nil where a header is cut off or its length lies.
    static func all(in datagram: ArraySlice<UInt8>) -> [NetlinkMessage]? {
        let reader = NetlinkReader(datagram)
        var messages: [NetlinkMessage] = []
        var offset = 0
        while offset < reader.count {
            guard let length = reader.number(at: offset, as: UInt32.self), length >= 16,
                let type = reader.number(at: offset + 4, as: UInt16.self),
                let flags = reader.number(at: offset + 6, as: UInt16.self),
                let sequence = reader.number(at: offset + 8, as: UInt32.self),
                let payload = reader.slice(offset + 16, Int(length) - 16)
            else { return nil }
            messages.append(
                NetlinkMessage(type: type, flags: flags, sequence: sequence, payload: payload.array))
            offset += (Int(length) + 3) & ~3
        }
        return messages
    }

    /// The errno of an NLMSG_ERROR or NLMSG_DONE: 0 is success, nil where it is not there.
    var errorNumber: Int32? {
        NetlinkReader(payload).number(at: 0, as: UInt32.self).map { 0 &- Int32(bitPattern: $0) }
    }
}
