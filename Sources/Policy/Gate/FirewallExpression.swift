/// One step of an nftables rule, as the kernel's virtual machine takes it (NFTA_ attributes of
/// <linux/netfilter/nf_tables.h>). Only the few that the gate needs.
///
/// Values are compared and looked up in registers of 4 bytes, numbered from ``Register/first``.
enum FirewallExpression: Equatable {
    /// Loads a property of the packet that is not in it.
    case meta(Meta, Register)
    /// Loads bytes of the network header (`base` 1) or the transport header (`base` 2).
    case payload(base: UInt32, offset: UInt32, length: UInt32, Register)
    /// Goes on only where the register's first bytes are equal, or unequal.
    case compare(Register, isEqual: Bool, [UInt8])
    /// Goes on only where a set has the register's value, or has not.
    case lookup(set: String, Register, isIn: Bool)
    /// Loads a constant.
    case constant([UInt8], Register)
    /// Loads what routing says about an address of the packet.
    case routing(Routing, of: RoutingAddress, Register)
    /// Counts packets and bytes, from so many packets on.
    case counter(from: UInt64)
    /// Puts the value that begins in a register into a set, for so many milliseconds from now.
    case remember(set: String, Register, milliseconds: UInt64)
    /// Ends the evaluation.
    case verdict(Verdict)

    /// NFT_REG32_.
    struct Register: Equatable {
        let number: UInt32
        static let first = Register(number: 8)
        static let second = Register(number: 9)
    }

    /// NFT_META_.
    enum Meta: UInt32 {
        case mark = 3
        case outputInterface = 5
        case inputInterfaceType = 8
        case outputInterfaceType = 9
        case userID = 10
        case networkProtocol = 15
        case transportProtocol = 16
    }

    /// NFT_FIB_RESULT_.
    enum Routing: UInt32 {
        /// The index of the interface that a packet to the address would leave by; 0 where there is none.
        case outputInterface = 1
        /// RTN_ of <linux/rtnetlink.h>.
        case addressType = 3
    }

    /// NFTA_FIB_F_: which address, and whether the packet's mark counts as policy routing would count it.
    enum RoutingAddress: UInt32 {
        case destination = 2
        case source = 1
        case sourceWithMark = 5
    }

    /// NF_DROP and others, and NFT_GOTO.
    enum Verdict: Equatable {
        case drop
        case accept
        /// Back to the chain before, or to the policy of the base chain.
        case leave
        case goTo(String)
    }

    /// Adds the expression as an element of NFTA_RULE_EXPRESSIONS.
    func append(to rule: inout NetlinkWriter) {
        rule.nested(1) { element in
            element.attribute(1, string: name)
            element.nested(2) { encode(into: &$0) }
        }
    }

    private var name: String {
        switch self {
        case .meta: "meta"
        case .payload: "payload"
        case .compare: "cmp"
        case .lookup: "lookup"
        case .constant, .verdict: "immediate"
        case .routing: "fib"
        case .counter: "counter"
        case .remember: "dynset"
        }
    }

    private func encode(into data: inout NetlinkWriter) {
        switch self {
        case .meta(let key, let register):
            data.attribute(1, network: register.number)
            data.attribute(2, network: key.rawValue)
        case .payload(let base, let offset, let length, let register):
            data.attribute(1, network: register.number)
            data.attribute(2, network: base)
            data.attribute(3, network: offset)
            data.attribute(4, network: length)
        case .compare(let register, let isEqual, let value):
            data.attribute(1, network: register.number)
            data.attribute(2, network: UInt32(isEqual ? 0 : 1))
            data.nested(3) { $0.attribute(1, value) }
        case .lookup(let set, let register, let isIn):
            data.attribute(1, string: set)
            data.attribute(2, network: register.number)
            // NFT_LOOKUP_F_INV
            if !isIn { data.attribute(5, network: UInt32(1)) }
        case .constant(let value, let register):
            data.attribute(1, network: register.number)
            data.nested(2) { $0.attribute(1, value) }
        case .routing(let result, let address, let register):
            data.attribute(1, network: register.number)
            data.attribute(2, network: result.rawValue)
            data.attribute(3, network: address.rawValue)
        case .counter(let packets):
            // Attribute 1 would be bytes, which nobody asks for.
            if packets > 0 { data.attribute(2, network: packets) }
        case .remember(let set, let register, let milliseconds):
            data.attribute(1, string: set)
            // NFT_DYNSET_OP_UPDATE: what is there already stays for longer.
            data.attribute(3, network: UInt32(1))
            data.attribute(4, network: register.number)
            data.attribute(6, network: milliseconds)
        case .verdict(let verdict):
            // Register 0 is the verdict.
            data.attribute(1, network: UInt32(0))
            data.nested(2) { value in
                value.nested(2) { code in
                    switch verdict {
                    case .drop: code.attribute(1, network: UInt32(0))
                    case .accept: code.attribute(1, network: UInt32(1))
                    case .leave: code.attribute(1, network: UInt32(bitPattern: -5))
                    case .goTo(let chain):
                        code.attribute(1, network: UInt32(bitPattern: -4))
                        code.attribute(2, string: chain)
                    }
                }
            }
        }
    }
}
