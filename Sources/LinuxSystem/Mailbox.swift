import Synchronization

/// Hands things from one thread to another that waits with poll(2). Putting something in never waits for anything but
/// the few instructions of another putting or taking.
public final class Mailbox<Item: Sendable>: Sendable {
    private let items = Mutex<[Item]>([])
    private let lost = Atomic(0)
    private let bell: Bell

    /// An empty mailbox.
    public init() throws(SystemCallError) {
        bell = try Bell()
    }

    /// For poll(2): readable when there is something in it.
    public var rawValue: Int32 { bell.rawValue }

    /// Puts something in.
    public func put(_ item: Item) {
        items.withLock { $0.append(item) }
        bell.ring()
    }

    /// Puts something in. Where there are so many already, the oldest that may be given up makes room; where none may, it is
    /// put in all the same.
    public func put(_ item: Item, atMost most: Int, givingUp mayBeLost: (Item) -> Bool) {
        let isLost = items.withLock { items in
            items.append(item)
            guard items.count > most, let oldest = items.firstIndex(where: mayBeLost) else { return false }
            items.remove(at: oldest)
            return true
        }
        if isLost { lost.add(1, ordering: .relaxed) }
        bell.ring()
    }

    /// How many were given up.
    public var givenUp: Int { lost.load(ordering: .relaxed) }

    /// Wakes whoever waits, with nothing in it.
    public func ring() { bell.ring() }

    /// Takes everything out, in the order in which it came.
    public func take() -> [Item] {
        bell.silence()
        return items.withLock { items in
            defer { items = [] }
            return items
        }
    }
}
