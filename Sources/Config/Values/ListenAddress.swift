/// An address and a TCP port to listen on: `127.0.0.1:9477`, `[::1]:9477`.
public struct ListenAddress: TextValue {
    /// What it is called, and what may be written.
    public static let kind = ValueKind(
        "listening address", write: "an IP address, a colon and a port, as in 127.0.0.1:9477 or [::1]:9477")

    /// The address to listen on.
    public let address: IPAddress
    /// The port, never 0.
    public let port: UInt16

    /// Reads `127.0.0.1:9477` or `[::1]:9477`. Names are refused: they would have to be resolved.
    public init(parsing text: String) throws(InvalidValue) {
        guard let colon = text.lastIndex(of: ":"),
            let port = text[text.index(after: colon)...].wholeNumber.flatMap(UInt16.init(exactly:)), port != 0
        else { throw InvalidValue(text, Self.kind) }
        let host = text[..<colon]
        let inBrackets = host.hasPrefix("[") && host.hasSuffix("]")
        guard let address = IPAddress(String(inBrackets ? host.dropFirst().dropLast() : host)),
            address.isIPv6 == inBrackets
        else { throw InvalidValue(text, Self.kind) }
        self.address = address
        self.port = port
    }

    /// As it is written.
    public var text: String { address.isIPv6 ? "[\(address.text)]:\(port)" : "\(address.text):\(port)" }
}
