/// Messages to nftables that take effect together or not at all.
struct FirewallBatch {
    /// NFT_MSG_ of <linux/netfilter/nf_tables.h>.
    enum Message: UInt16 {
        case newTable = 0
        case getTable = 1
        case deleteTable = 2
        case newChain = 3
        case getChain = 4
        case newRule = 6
        case getRule = 7
        case deleteRule = 8
        case newSet = 9
        case getSet = 10
        case newElement = 12
        case getElement = 13
        case deleteElement = 14
        case newGeneration = 15
        case getGeneration = 16
        case getFlowtable = 23

        /// The type in the header: the subsystem NFNL_SUBSYS_NFTABLES (10) before the message.
        var type: UInt16 { 10 << 8 | rawValue }
    }

    private(set) var messages: [NetlinkMessage] = []

    /// struct nfgenmsg: family u8, version u8, resource u16.
    static func header(family: UInt8) -> [UInt8] { [family, 0, 0, 0] }

    /// NFPROTO_INET: IPv4 and IPv6 in one table.
    static let inet: UInt8 = 1

    mutating func add(_ message: Message, flags: UInt16 = 0, _ build: (inout NetlinkWriter) -> Void) {
        var payload = NetlinkWriter()
        payload.append(Self.header(family: Self.inet))
        build(&payload)
        messages.append(
            NetlinkMessage(type: message.type, flags: flags | NetlinkMessage.Flag.request, payload: payload.bytes))
    }

    /// Makes a table, or takes over one that its owner left behind.
    mutating func table(_ name: String, flags: UInt32) {
        add(.newTable, flags: NetlinkMessage.Flag.create) {
            $0.attribute(1, string: name)
            $0.attribute(2, network: flags)
        }
    }

    mutating func deleteTable(_ name: String) {
        add(.deleteTable) { $0.attribute(1, string: name) }
    }

    /// A chain at a hook, that lets through what it says nothing about.
    mutating func chain(_ table: String, _ name: String, hook: UInt32, priority: Int32) {
        add(.newChain, flags: NetlinkMessage.Flag.create) {
            $0.attribute(1, string: table)
            $0.attribute(3, string: name)
            $0.nested(4) { place in
                place.attribute(1, network: hook)
                place.attribute(2, network: UInt32(bitPattern: priority))
            }
            // NF_ACCEPT
            $0.attribute(5, network: UInt32(1))
            $0.attribute(7, string: "filter")
        }
    }

    /// A chain that is only reached from another.
    mutating func chain(_ table: String, _ name: String) {
        add(.newChain, flags: NetlinkMessage.Flag.create) {
            $0.attribute(1, string: table)
            $0.attribute(3, string: name)
        }
    }

    /// Removes every rule of a table.
    mutating func deleteRules(_ table: String) {
        add(.deleteRule) { $0.attribute(1, string: table) }
    }

    /// Appends a rule. `comment` is what `nft list` shows behind it, and what counters are found by.
    mutating func rule(_ table: String, _ chain: String, comment: String, _ expressions: [FirewallExpression]) {
        add(.newRule, flags: NetlinkMessage.Flag.create | NetlinkMessage.Flag.append) {
            $0.attribute(1, string: table)
            $0.attribute(2, string: chain)
            $0.nested(4) { list in
                for expression in expressions { expression.append(to: &list) }
            }
            // libnftnl's form of a comment: type 0, length, the text with its NUL.
            let text = Array(comment.utf8.prefix(126)) + [0]
            $0.attribute(7, [0, UInt8(text.count)] + text)
        }
    }

    /// NFT_SET_ flags.
    enum SetFlag {
        static let interval: UInt32 = 0x4
        static let timeout: UInt32 = 0x10
        /// NFT_SET_EVAL: rules put elements into it.
        static let dynamic: UInt32 = 0x20
    }

    /// Makes a set. `keyType` only tells `nft list` how to show the elements (datatype.h of nftables).
    ///
    /// - Parameter size: the most elements it may have; nil: any number.
    mutating func set(
        _ table: String, _ name: String, flags: UInt32, keyType: UInt32, keyLength: UInt32, id: UInt32,
        size: UInt32? = nil
    ) {
        add(.newSet, flags: NetlinkMessage.Flag.create) {
            $0.attribute(1, string: table)
            $0.attribute(2, string: name)
            $0.attribute(3, network: flags)
            $0.attribute(4, network: keyType)
            $0.attribute(5, network: keyLength)
            if let size { $0.nested(9) { $0.attribute(1, network: size) } }
            $0.attribute(10, network: id)
        }
    }

    /// Removes every element of a set.
    mutating func flush(_ table: String, set: String) {
        add(.deleteElement) {
            $0.attribute(1, string: table)
            $0.attribute(2, string: set)
        }
    }

    /// One element of a set.
    struct Element {
        let key: [UInt8]
        /// NFT_SET_ELEM_INTERVAL_END: the first value beyond a range.
        var isEnd = false
        /// Milliseconds until the kernel removes it.
        var timeout: UInt64?
    }

    mutating func elements(_ table: String, set: String, _ elements: [Element]) {
        guard !elements.isEmpty else { return }
        add(.newElement, flags: NetlinkMessage.Flag.create) {
            $0.attribute(1, string: table)
            $0.attribute(2, string: set)
            $0.nested(3) { list in
                for element in elements {
                    list.nested(1) { one in
                        one.nested(1) { $0.attribute(1, element.key) }
                        if element.isEnd { one.attribute(3, network: UInt32(1)) }
                        if let timeout = element.timeout { one.attribute(4, network: timeout) }
                    }
                }
            }
        }
    }
}
