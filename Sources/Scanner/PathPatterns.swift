/// Many patterns, each with a value, matched with a path at once.
///
/// Every pattern is filed under what soonest tells that a path cannot match it: the last name, a folder's name, or the
/// ending. One pass over the path hashes its names; only patterns under one of those hashes are tried. A hash that
/// means two names costs a trial, never a match.
struct PathPatterns<Value> {
    private let entries: [(glob: PathGlob, value: Value)]
    private var names = Shelf()
    private var folders = Shelf()
    private var endings = Shelf()
    /// Patterns that every path has to be tried with.
    private var others: [Int] = []

    /// Files the patterns. The order is that in which ``first(matching:where:)`` prefers them.
    init(_ patterns: [(pattern: String, value: Value)]) {
        entries = patterns.map { (PathGlob($0.pattern), $0.value) }
        for (index, entry) in entries.enumerated() {
            switch entry.glob.anchor {
            case .name(let bytes): names.add(index, under: bytes)
            case .folder(let bytes): folders.add(index, under: bytes)
            case .ending(let bytes): endings.add(index, under: bytes)
            case .none: others.append(index)
            }
        }
    }

    /// The value of the first pattern, in the order they were given, that matches the path and is accepted.
    func first(matching path: [UInt8], where accepts: (Value) -> Bool = { _ in true }) -> Value? {
        var best = entries.count
        func attempt(_ candidates: [Int]) {
            for index in candidates where index < best {
                if entries[index].glob.matches(path), accepts(entries[index].value) { best = index }
            }
        }
        var name = Hash()
        var ending: Hash?
        for byte in path {
            if byte == UInt8(ascii: "/") {
                if let found = folders[name] { attempt(found) }
                name = Hash()
                ending = nil
                continue
            }
            name.add(byte)
            if byte == UInt8(ascii: ".") { ending = Hash() } else { ending?.add(byte) }
        }
        if let found = names[name] { attempt(found) }
        if let ending, let found = endings[ending] { attempt(found) }
        attempt(others)
        return best < entries.count ? entries[best].value : nil
    }
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): a name's hash, byte by byte.
private struct Hash: Hashable {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01b3
    }
}

/// Patterns by a hash. Nearly every name is on no shelf: a few bits tell so before the dictionary is asked.
private struct Shelf {
    private var candidates: [Hash: [Int]] = [:]
    private var bits: UInt64 = 0

    mutating func add(_ index: Int, under bytes: [UInt8]) {
        var hash = Hash()
        for byte in bytes { hash.add(byte) }
        candidates[hash, default: []].append(index)
        bits |= Self.bit(hash)
    }

    subscript(hash: Hash) -> [Int]? {
        bits & Self.bit(hash) == 0 ? nil : candidates[hash]
    }

    private static func bit(_ hash: Hash) -> UInt64 { 1 << (hash.value >> 58) }
}

extension PathPatterns: Sendable where Value: Sendable {}
