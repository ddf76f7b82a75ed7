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

    /// What the path of a folder says about everything in it, so that it is asked once a folder.
    struct Folder {
        /// Whether a pattern has to be tried with every path in the folder.
        fileprivate let isConcerned: Bool
    }

    /// Asks the path of a folder.
    func folder(_ path: [UInt8]) -> Folder {
        if !others.isEmpty { return Folder(isConcerned: true) }
        let names = path.split(separator: UInt8(ascii: "/"))
        return Folder(isConcerned: names.contains { folders[Hash(of: $0)] != nil })
    }

    /// Whether ``first(matching:where:)`` could find something for an entry of that folder. Nearly always not, and then
    /// nobody has to make up the path.
    func mayMatch(_ name: NameHashes, in folder: Folder) -> Bool {
        folder.isConcerned || names[name.whole] != nil || name.ending.map { endings[$0] != nil } ?? false
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

/// What patterns are filed under, of the name of an entry.
struct NameHashes {
    fileprivate var whole = Hash()
    fileprivate var ending: Hash?

    /// Goes over the name once.
    init(_ name: ArraySlice<UInt8>) {
        for byte in name {
            whole.add(byte)
            if byte == UInt8(ascii: ".") { ending = Hash() } else { ending?.add(byte) }
        }
    }
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): a name's hash, byte by byte.
private struct Hash: Hashable {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325

    init() {}

    init(of bytes: some Sequence<UInt8>) {
        for byte in bytes { add(byte) }
    }

    mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01b3
    }
}

/// Patterns by a hash. Nearly every name is on no shelf: a few bits tell so before the dictionary is asked.
private struct Shelf {
    private var candidates: [Hash: [Int]] = [:]
    private var bits = [UInt64](repeating: 0, count: 64)

    mutating func add(_ index: Int, under bytes: [UInt8]) {
        let hash = Hash(of: bytes)
        candidates[hash, default: []].append(index)
        bits[Int(hash.value >> 58)] |= Self.bit(hash)
    }

    subscript(hash: Hash) -> [Int]? {
        bits[Int(hash.value >> 58)] & Self.bit(hash) == 0 ? nil : candidates[hash]
    }

    /// One of 4096 bits, by the upper twelve of the hash.
    private static func bit(_ hash: Hash) -> UInt64 { 1 << (hash.value >> 52 & 63) }
}

extension PathPatterns: Sendable where Value: Sendable {}
