/// A reply that is no error.
public struct VarlinkReply: Sendable {
    /// Whether another follows.
    public let continues: Bool
    private let message: [UInt8]

    init(continues: Bool, message: [UInt8]) {
        self.continues = continues
        self.message = message
    }

    /// The parameters.
    ///
    /// - Throws: ``VarlinkClientError/broken(_:)`` where they are not of this type.
    public func parameters<Parameters: Decodable>(as type: Parameters.Type) throws(VarlinkClientError) -> Parameters {
        do {
            return try decode(ParametersOf<Parameters>.self, from: message).parameters
        } catch {
            throw .broken("the service replied with other parameters than \(type)")
        }
    }

    /// The whole reply as JSON, with `parameters` in it, as the service sent it.
    public var json: [UInt8] { message }
}
