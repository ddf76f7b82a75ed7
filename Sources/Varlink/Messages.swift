internal import FoundationEssentials

/// The parameters of a call or a reply that has none.
public struct NoParameters: Codable, Equatable, Sendable {
    /// None.
    public init() {}
}

/// A call as it is written.
struct OutgoingCall<Parameters: Encodable>: Encodable {
    let method: String
    let parameters: Parameters
    let more: Bool?
    let oneway: Bool?
}

/// A reply as it is written.
struct OutgoingReply<Parameters: Encodable>: Encodable {
    var error: String?
    let parameters: Parameters
    var continues: Bool?
}

/// What a call asks for, without the values of its parameters.
struct CallHead: Decodable {
    let method: String
    let more: Bool
    let oneway: Bool
    let upgrade: Bool
    /// The names of the parameters; nil where they are not an object.
    let parameterNames: [String]?

    private enum Key: String, CodingKey {
        case method, parameters, more, oneway, upgrade
    }

    init(from decoder: any Decoder) throws {
        let call = try decoder.container(keyedBy: Key.self)
        method = try call.decode(String.self, forKey: .method)
        more = try call.decodeIfPresent(Bool.self, forKey: .more) ?? false
        oneway = try call.decodeIfPresent(Bool.self, forKey: .oneway) ?? false
        upgrade = try call.decodeIfPresent(Bool.self, forKey: .upgrade) ?? false
        if try !call.contains(.parameters) || call.decodeNil(forKey: .parameters) {
            parameterNames = []
        } else {
            parameterNames = try? call.nestedContainer(keyedBy: AnyKey.self, forKey: .parameters).allKeys.map(
                \.stringValue)
        }
    }
}

/// What a reply is, without its parameters.
struct ReplyHead: Decodable {
    let error: String?
    let continues: Bool?
}

/// The parameters of a call or a reply; where it has none, those of an empty object.
struct ParametersOf<Parameters: Decodable>: Decodable {
    let parameters: Parameters

    private enum Key: String, CodingKey {
        case parameters
    }

    init(from decoder: any Decoder) throws {
        let message = try decoder.container(keyedBy: Key.self)
        if try message.contains(.parameters) && !message.decodeNil(forKey: .parameters) {
            parameters = try message.decode(Parameters.self, forKey: .parameters)
        } else {
            parameters = try JSONDecoder().decode(Parameters.self, from: Data("{}".utf8))
        }
    }
}

struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

func encode(_ message: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try Array(encoder.encode(message))
}

func decode<Message: Decodable>(_ type: Message.Type, from message: [UInt8]) throws -> Message {
    try JSONDecoder().decode(type, from: Data(message))
}
