internal import LinuxSystem

extension Pace {
    /// The most of one file that is read ahead; the rest the engine reads by itself, as fast as it scans.
    static let mostAhead: UInt64 = 128 << 20
    /// Read at once. Small, so that somebody who needs the disk waits for little.
    static let piece = 128 << 10

    /// Brings a file into the page cache, piece by piece as the pace allows, so that the engine finds it there and no
    /// more than one reader of ours is at the disk.
    ///
    /// - Parameter rest: waits so many milliseconds, and does what else there is to do.
    func approach(_ look: Look, rest: (_ milliseconds: Int32) throws -> Void) throws {
        guard isHolding else { return }
        try hold(rest: rest)
        let size = look.before.size
        let ahead = look.mayHang ? 0 : min(size, Self.mostAhead)
        let reader = ReadAhead(piece: Self.piece)
        var offset: UInt64 = 0
        while offset < ahead {
            let read = look.readAhead(reader, at: offset, count: Int(min(ahead - offset, UInt64(Self.piece))))
            if read == 0 { break }
            offset += UInt64(read)
            take(UInt64(read))
            try hold(rest: rest)
        }
        take(size - min(offset, size))
        owe(look.absentBytes(behind: offset))
        work(size)
    }

    /// Waits until nothing is owed.
    func hold(rest: (_ milliseconds: Int32) throws -> Void) throws {
        while case let milliseconds = wait(), milliseconds > 0 { try rest(milliseconds) }
    }
}
