import Synchronization

/// Hands things from one thread to another that waits with poll(2). Putting something in never waits for anything but
/// the few instructions of another putting or taking.
public final class Mailbox<Item: Sendable>: Sendable {
    private let items = Mutex<[Item]>([])
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
