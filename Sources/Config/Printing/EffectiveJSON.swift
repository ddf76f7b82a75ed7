extension LoadedConfiguration {
    /// The settings in force as a tree for JSON: the keys and values as YAML has them, so durations, sizes and ports
    /// are strings.
    public var tree: SettingsTree { SettingsTree(node: settings.encode()) }

    /// The keys that a file has set, with their full paths, and where.
    public var placesOfKeys: [(key: String, place: Place)] {
        origins.compactMap { key, origin in origin.place.map { (key, $0) } }.filter { !$0.key.isEmpty }
            .sorted { $0.key < $1.key }
    }
}

/// Settings as any encoder can write them.
public struct SettingsTree: Encodable, Sendable {
    let node: Node

    /// Writes mappings, lists, strings, numbers, booleans and null.
    public func encode(to encoder: any Encoder) throws {
        switch node.content {
        case .mapping(let entries):
            var container = encoder.container(keyedBy: AnyKey.self)
            for entry in entries {
                try container.encode(Self(node: entry.value), forKey: AnyKey(stringValue: entry.key))
            }
        case .list(let items):
            var container = encoder.unkeyedContainer()
            for item in items { try container.encode(Self(node: item)) }
        case .scalar(let scalar):
            var container = encoder.singleValueContainer()
            switch CoreValue(scalar) {
            case .null: try container.encodeNil()
            case .boolean(let boolean): try container.encode(boolean)
            case .integer(let number): try container.encode(number)
            case .otherNumber: try container.encode(Double(scalar.text) ?? 0)
            case .text: try container.encode(scalar.text)
            }
        case .refused: break
        }
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
