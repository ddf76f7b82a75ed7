/// Which bulk data a scan looks at with new signatures: the oldest part, as large as the time since the last scan is a
/// part of `reverify`. So every file has its turn once in `reverify`, and no night has more to do than the others.
struct BulkRotation: Codable, Equatable {
    /// Files looked at before this moment are due…
    private var lookedAt: UInt32 = 0
    /// …and of those looked at in the same second, the ones whose mark is not above this one.
    private var mark: UInt64 = 0

    /// Nothing is due.
    init() {}

    /// One file of bulk data that was not looked at with the present signatures.
    struct Candidate {
        let lookedAt: UInt32
        let inode: UInt64
        let size: UInt64
    }

    /// What a file costs beyond its bytes, in bytes: a look has a price of its own.
    private static let price: UInt64 = 65536

    /// - Parameters:
    ///   - outdated: what waits.
    ///   - files: how many files of bulk data there are in all, with their bytes.
    ///   - share: the time since the last scan as a part of `reverify`, 0…1.
    init(outdated: [Candidate], files: UInt64, bytes: UInt64, share: Double) {
        var budget = (Double(bytes) + Double(files) * Double(Self.price)) * min(1, max(0, share))
        let inOrder = outdated.sorted { ($0.lookedAt, Self.mark($0.inode)) < ($1.lookedAt, Self.mark($1.inode)) }
        for candidate in inOrder {
            guard budget > 0 else { return }
            budget -= Double(candidate.size) + Double(Self.price)
            (lookedAt, mark) = (candidate.lookedAt, Self.mark(candidate.inode))
        }
    }

    /// Whether it is this file's turn.
    func includes(lookedAt: UInt32, inode: UInt64) -> Bool {
        (lookedAt, Self.mark(inode)) <= (self.lookedAt, mark)
    }

    /// Files of the first night were looked at in the order of the folders: this order has nothing to do with it.
    private static func mark(_ inode: UInt64) -> UInt64 { inode &* 0x9e37_79b9_7f4a_7c15 }
}
