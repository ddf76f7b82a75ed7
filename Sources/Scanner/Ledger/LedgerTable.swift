/// Every remembered file, in memory: 80 bytes and its share of an index of 4-byte slots, under a hundred in all.
///
/// An unchanged pass asks once for every file, in well under a microsecond.
struct LedgerTable {
    /// A place in the table. It stays the same as long as the table lives.
    typealias Position = Int

    private static let chunkLength = 4096
    private var chunks: [ContiguousArray<LedgerRecord>] = []
    /// Records, with those that were forgotten.
    private(set) var count = 0
    private var files = SlotIndex()
    /// By content, only of clean looks that still count: filled by ``offerContent(at:)``.
    private var contents = SlotIndex()
    /// Inode numbers can be chosen by who makes files: where they are looked for cannot.
    private let seed = UInt64.random(in: .min ... .max)

    subscript(position: Position) -> LedgerRecord {
        get { chunks[position / Self.chunkLength][position % Self.chunkLength] }
        _modify { yield &chunks[position / Self.chunkLength][position % Self.chunkLength] }
    }

    /// All places, in the order in which they were taken.
    var positions: Range<Position> { 0..<count }

    /// Where this inode's record is; nil where there is none.
    func find(fileSystem: UInt16, inode: UInt64) -> Position? {
        files.first(hash(fileSystem, inode)) { position in
            let record = self[position]
            return record.state.inode == inode && record.fileSystem == fileSystem
        }
    }

    /// Makes room in the index for so many files, while there are none.
    mutating func reserve(_ count: Int) { files.reserve(count) }

    /// Puts a record in, in place of the one of the same inode.
    @discardableResult
    mutating func put(_ record: LedgerRecord) -> Position {
        if let known = find(fileSystem: record.fileSystem, inode: record.state.inode) {
            self[known] = record
            return known
        }
        let position = count
        if position % Self.chunkLength == 0 {
            chunks.append([])
            chunks[chunks.count - 1].reserveCapacity(Self.chunkLength)
        }
        chunks[chunks.count - 1].append(record)
        count += 1
        files.insert(position, hash(record.fileSystem, record.state.inode)) { [chunks, seed] other in
            let record = chunks[other / Self.chunkLength][other % Self.chunkLength]
            return Self.hash(record.fileSystem, record.state.inode, seed)
        }
        return position
    }

    // MARK: By content

    /// Lets ``find(content:where:)`` find this record.
    mutating func offerContent(at position: Position) {
        let content = self[position].content
        guard find(content: content, where: { _ in true }) != position else { return }
        contents.insert(position, content.first ^ seed) { [chunks, seed] other in
            chunks[other / Self.chunkLength][other % Self.chunkLength].content.first ^ seed
        }
    }

    /// A record with this content of which `counts` says that it counts.
    func find(content: ContentKey, where counts: (LedgerRecord) -> Bool) -> Position? {
        contents.first(content.first ^ seed) { position in
            let record = self[position]
            return record.content == content && counts(record)
        }
    }

    private func hash(_ fileSystem: UInt16, _ inode: UInt64) -> UInt64 { Self.hash(fileSystem, inode, seed) }

    /// Multiplications by odd constants (of SplitMix64, Steele, Lea and Flood 2014), each reversible.
    private static func hash(_ fileSystem: UInt16, _ inode: UInt64, _ seed: UInt64) -> UInt64 {
        var mixed = inode ^ seed &+ UInt64(fileSystem) &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// Positions found by a hash: open addressing, at most three quarters full.
private struct SlotIndex {
    /// 0: empty; else the position plus one.
    private var slots: [UInt32] = []
    private var used = 0

    mutating func reserve(_ count: Int) {
        if slots.isEmpty { slots = [UInt32](repeating: 0, count: max(1024, count + count / 2)) }
    }

    func first(_ hash: UInt64, where matches: (Int) -> Bool) -> Int? {
        guard !slots.isEmpty else { return nil }
        var slot = start(hash, slots.count)
        while slots[slot] != 0 {
            let position = Int(slots[slot]) - 1
            if matches(position) { return position }
            slot += 1
            if slot == slots.count { slot = 0 }
        }
        return nil
    }

    mutating func insert(_ position: Int, _ hash: UInt64, hashOf: (Int) -> UInt64) {
        if (used + 1) * 4 > slots.count * 3 { grow(hashOf) }
        place(UInt32(position + 1), hash)
        used += 1
    }

    private mutating func place(_ entry: UInt32, _ hash: UInt64) {
        var slot = start(hash, slots.count)
        while slots[slot] != 0 {
            slot += 1
            if slot == slots.count { slot = 0 }
        }
        slots[slot] = entry
    }

    private mutating func grow(_ hashOf: (Int) -> UInt64) {
        let old = slots
        slots = [UInt32](repeating: 0, count: max(1024, old.count + old.count / 2))
        for entry in old where entry != 0 { place(entry, hashOf(Int(entry) - 1)) }
    }

    /// The upper half of a product: every slot is as likely as any other, whatever their number.
    private func start(_ hash: UInt64, _ count: Int) -> Int { Int(hash.multipliedFullWidth(by: UInt64(count)).high) }
}
