/// A port with its protocol, as the configuration writes it: `tcp/9000`.
public struct Port: TextValue, Comparable {
    /// What it is called, and what may be written.
    public static let kind = ValueKind("port", write: "tcp/ or udp/ and a number from 1 to 65535, as in tcp/9000")

    /// The protocols whose ports the gate knows.
    public enum Transport: String, CaseIterable, Hashable, Sendable {
        case tcp, udp
    }

    /// The protocol.
    public let transport: Transport
    /// The number, never 0.
    public let number: UInt16

    /// A port, or nil for the number 0, which names none.
    public init?(_ transport: Transport, _ number: UInt16) {
        guard number != 0 else { return nil }
        self.transport = transport
        self.number = number
    }

    /// Reads `tcp/9000`.
    public init(parsing text: String) throws(InvalidValue) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let transport = Transport(rawValue: String(parts[0])),
            let number = parts[1].wholeNumber.flatMap(UInt16.init(exactly:)), let port = Self(transport, number)
        else {
            let why = text.wholeNumber.flatMap(UInt16.init(exactly:)).map {
                "the protocol is missing: write tcp/\($0) or udp/\($0)"
            }
            throw InvalidValue(text, Self.kind, why: why)
        }
        self = port
    }

    /// As it is written: `udp/9001`.
    public var text: String { "\(transport.rawValue)/\(number)" }

    /// TCP before UDP, low numbers first.
    public static func < (left: Self, right: Self) -> Bool {
        (left.transport.rawValue, left.number) < (right.transport.rawValue, right.number)
    }
}
