internal import FoundationEssentials
internal import LinuxSystem
internal import SystemPackage

/// A key of an event's JSON form, for payloads whose keys are not simply their properties.
struct EventKey: CodingKey, ExpressibleByStringLiteral, Equatable {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringLiteral value: String) { stringValue = value }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

// A path in JSON is text under its key if it is text that is safe to print, and then it is exactly that text. Otherwise
// the key has the escaped form, for people, and the key with `Base64` behind it has the bytes, for programs.

extension KeyedEncodingContainer<EventKey> {
    mutating func encode(path: FilePath, forKey key: EventKey) throws {
        let text = printable(path)
        try encode(text, forKey: key)
        if Array(text.utf8) != path.bytes {
            try encode(Data(path.bytes).base64EncodedString(), forKey: key.base64)
        }
    }

    mutating func encodeIfPresent(path: FilePath?, forKey key: EventKey) throws {
        if let path { try encode(path: path, forKey: key) }
    }

    mutating func encode(paths: [FilePath], forKey key: EventKey) throws {
        var array = nestedUnkeyedContainer(forKey: key)
        for path in paths {
            var element = array.nestedContainer(keyedBy: EventKey.self)
            try element.encode(path: path, forKey: "path")
        }
    }
}

extension KeyedDecodingContainer<EventKey> {
    func decode(pathForKey key: EventKey) throws -> FilePath {
        let text = try decode(String.self, forKey: key)
        var bytes = Array(text.utf8)
        if let encoded = try decodeIfPresent(String.self, forKey: key.base64) {
            guard let data = Data(base64Encoded: encoded) else {
                throw DecodingError.dataCorruptedError(forKey: key.base64, in: self, debugDescription: "not base64")
            }
            bytes = Array(data)
        }
        // What a person was shown and what a program does must be the same file.
        guard !bytes.contains(0), printable(bytes) == text else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "not the printable form of the path's bytes")
        }
        return FilePath(bytes: bytes)
    }

    func decodeIfPresent(pathForKey key: EventKey) throws -> FilePath? {
        contains(key) ? try decode(pathForKey: key) : nil
    }

    func decode(pathsForKey key: EventKey) throws -> [FilePath] {
        var array = try nestedUnkeyedContainer(forKey: key)
        var paths: [FilePath] = []
        while !array.isAtEnd {
            paths.append(try array.nestedContainer(keyedBy: EventKey.self).decode(pathForKey: "path"))
        }
        return paths
    }
}

extension EventKey {
    fileprivate var base64: EventKey { EventKey(stringValue: stringValue + "Base64") }
}
