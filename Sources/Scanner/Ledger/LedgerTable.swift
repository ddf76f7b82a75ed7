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
    /// Where the last ones were found.
    private var recent = [-1, -1, -1, -1]
    private var oldest = 0

    subscript(position: Position) -> LedgerRecord {
        _read { yield chunks[position / Self.chunkLength][position % Self.chunkLength] }
        _modify { yield &chunks[position / Self.chunkLength][position % Self.chunkLength] }
    }

    /// All places, in the order in which they were taken.
    var positions: Range<Position> { 0..<count }

    /// The same as ``find(fileSystem:inode:)``, quicker where files are met in the order in which they were remembered: that
    /// is as many sequences side by side as there were workers.
    mutating func findNext(fileSystem: UInt16, inode: UInt64) -> Position? {
        for index in recent.indices {
            let next = recent[index] + 1
            guard next < count, self[next].state.inode == inode, self[next].fileSystem == fileSystem else { continue }
            recent[index] = next
            return next
        }
        guard let position = find(fileSystem: fileSystem, inode: inode) else { return nil }
        recent[oldest] = position
        oldest = (oldest + 1) % recent.count
        return position
    }

    /// Where this inode's record is; nil where there is none.
    func find(fileSystem: UInt16, inode: UInt64) -> Position? {
        guard files.hasRoom else { return nil }
        var slot = files.start(hash(fileSystem, inode))
        while let position = files[slot] {
            if holds(position, fileSystem, inode) { return position }
            slot = files.next(slot)
        }
        return nil
    }

    /// Makes room in the index for so many files, while there are none.
    mutating func reserve(_ count: Int) { files.reserve(count) }

    /// Puts a record in, in place of the one of the same inode.
    @discardableResult
    mutating func put(_ record: LedgerRecord) -> Position {
        if files.isFull { growFiles() }
        var slot = files.start(hash(record.fileSystem, record.state.inode))
        while let position = files[slot] {
            if holds(position, record.fileSystem, record.state.inode) {
                self[position] = record
                return position
            }
            slot = files.next(slot)
        }
        let position = count
        if position % Self.chunkLength == 0 {
            chunks.append([])
            chunks[chunks.count - 1].reserveCapacity(Self.chunkLength)
        }
        chunks[chunks.count - 1].append(record)
        count += 1
        files.take(slot, for: position)
        return position
    }

    /// Whether the record there is of this inode. Read without a copy of the record.
    private func holds(_ position: Position, _ fileSystem: UInt16, _ inode: UInt64) -> Bool {
        let (chunk, place) = (position / Self.chunkLength, position % Self.chunkLength)
        return chunks[chunk][place].state.inode == inode && chunks[chunk][place].fileSystem == fileSystem
    }

    private mutating func growFiles() {
        var larger = files.larger()
        for position in positions {
            larger.add(position, hash(self[position].fileSystem, self[position].state.inode))
        }
        files = larger
    }

    // MARK: By content

    /// Lets ``find(content:where:)`` find this record.
    mutating func offerContent(at position: Position) {
        let content = self[position].content
        guard find(content: content, where: { _ in true }) != position else { return }
        if contents.isFull {
            var larger = contents.larger()
            contents.forEach { larger.add($0, self[$0].content.first ^ seed) }
            contents = larger
        }
        contents.add(position, content.first ^ seed)
    }

    /// A record with this content of which `counts` says that it counts.
    func find(content: ContentKey, where counts: (LedgerRecord) -> Bool) -> Position? {
        guard contents.hasRoom else { return nil }
        var slot = contents.start(content.first ^ seed)
        while let position = contents[slot] {
            if self[position].content == content, counts(self[position]) { return position }
            slot = contents.next(slot)
        }
        return nil
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

/// Positions found by a hash: open addressing, at most three quarters full. Who looks for something compares what is at
/// the slots from ``start(_:)`` on until one is empty.
private struct SlotIndex {
    /// 0: empty; else the position plus one.
    private var slots: [UInt32] = []
    private var used = 0

    /// Whether it was ever filled.
    var hasRoom: Bool { !slots.isEmpty }
    /// Whether it has to be made larger before something is added.
    var isFull: Bool { (used + 1) * 4 > slots.count * 3 }

    mutating func reserve(_ count: Int) {
        if slots.isEmpty { slots = [UInt32](repeating: 0, count: max(1024, count + count / 2)) }
    }

    /// An empty one, half as large again.
    func larger() -> SlotIndex {
        var larger = SlotIndex()
        larger.slots = [UInt32](repeating: 0, count: max(1024, slots.count + slots.count / 2))
        return larger
    }

    /// What is at a slot; nil: nothing.
    subscript(slot: Int) -> Int? { slots[slot] == 0 ? nil : Int(slots[slot]) - 1 }

    /// The upper half of a product: every slot is as likely as any other, whatever their number.
    func start(_ hash: UInt64) -> Int { Int(hash.multipliedFullWidth(by: UInt64(slots.count)).high) }

    func next(_ slot: Int) -> Int { slot + 1 == slots.count ? 0 : slot + 1 }

    /// Takes a slot that is empty.
    mutating func take(_ slot: Int, for position: Int) {
        slots[slot] = UInt32(position + 1)
        used += 1
    }

    mutating func add(_ position: Int, _ hash: UInt64) {
        var slot = start(hash)
        while slots[slot] != 0 { slot = next(slot) }
        take(slot, for: position)
    }

    func forEach(_ body: (Int) -> Void) {
        for entry in slots where entry != 0 { body(Int(entry) - 1) }
    }
}
