internal import Glibc
internal import SystemPackage

/// What may be waited for at a descriptor, and what came (poll(2)).
public struct PollEvents: OptionSet, Sendable {
    /// The bits of `pollfd`.
    public let rawValue: Int16

    /// Of the bits of `pollfd`.
    public init(rawValue: Int16) { self.rawValue = rawValue }

    /// There is something to read, or the end (`POLLIN`).
    public static let readable = PollEvents(rawValue: Int16(POLLIN))
    /// Something can be written (`POLLOUT`).
    public static let writable = PollEvents(rawValue: Int16(POLLOUT))
    /// The peer is gone (`POLLHUP`). Told unasked.
    public static let hungUp = PollEvents(rawValue: Int16(POLLHUP))
    /// The descriptor is broken (`POLLERR`), or none (`POLLNVAL`). Told unasked.
    public static let failed = PollEvents(rawValue: Int16(POLLERR | POLLNVAL))
}

/// A descriptor to wait at, or one at which something came.
public struct Watched: Equatable, Sendable {
    /// Its number.
    public let descriptor: Int32
    /// What is waited for. Where nothing is, the end of the peer is told still.
    public let events: PollEvents

    /// Waits for `events` at `descriptor`.
    public init(_ descriptor: Int32, _ events: PollEvents = .readable) {
        self.descriptor = descriptor
        self.events = events
    }
}

/// Waits with poll(2) until something comes at one of the descriptors.
///
/// - Parameter end: how long at most, rounded up to a millisecond, and a day at most; nil waits for ever, and a moment
///   that has passed not at all.
/// - Returns: those at which something came, with what came; empty when the time is over, or when a signal came in between.
public func waitForEvents(_ watched: [Watched], until end: ContinuousClock.Instant? = nil) throws(SystemCallError)
    -> [Watched]
{
    let left = end.map { max(ContinuousClock.now.duration(to: $0), .zero) / .milliseconds(1) }
    let milliseconds = left.map { Int32(min($0.rounded(.up), 86_400_000)) }
    return try look(watched, milliseconds).compactMap { $0.revents == 0 ? nil : Watched($0) }
}

/// Waits with poll(2) until one of the descriptors can be read or its peer is gone.
///
/// - Parameter milliseconds: how long at most; nil waits for ever.
/// - Returns: the positions in `descriptors` that have something to read; empty after the time, or when a signal
///   came in between.
public func waitUntilReadable(_ descriptors: [Int32], milliseconds: Int32? = nil) throws(SystemCallError) -> [Int] {
    let looked = try look(descriptors.map { Watched($0) }, milliseconds)
    return looked.indices.filter { looked[$0].revents != 0 }
}

/// All of them as poll(2) leaves them, or none where a signal came in between.
private func look(_ watched: [Watched], _ milliseconds: Int32?) throws(SystemCallError) -> [pollfd] {
    var list = watched.map { pollfd(fd: $0.descriptor, events: $0.events.rawValue, revents: 0) }
    let ready = unsafe poll(&list, nfds_t(list.count), milliseconds ?? -1)
    if ready < 0 {
        if Errno.current == .interrupted { return [] }
        throw SystemCallError("poll", "wait for messages", errno: .current)
    }
    return list
}

extension Watched {
    fileprivate init(_ looked: pollfd) {
        self.init(looked.fd, PollEvents(rawValue: looked.revents))
    }
}
