internal import FoundationEssentials

/// The few frames of the ledger that are not numbers alone.
enum LedgerJSON {
    static func encode(_ value: some Encodable) -> [UInt8] {
        // Cannot fail: strings, whole numbers and arrays of them are all there is.
        Array((try? JSONEncoder().encode(value)) ?? Data())
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
