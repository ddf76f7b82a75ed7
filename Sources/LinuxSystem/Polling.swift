internal import Glibc
internal import SystemPackage

/// Waits with poll(2) until one of the descriptors can be read or its peer is gone.
///
/// - Parameter milliseconds: how long at most; nil waits for ever.
/// - Returns: the positions in `descriptors` that have something to read; empty after the time, or when a signal
///   came in between.
public func waitUntilReadable(_ descriptors: [Int32], milliseconds: Int32? = nil) throws(SystemCallError) -> [Int] {
    var list = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let ready = unsafe poll(&list, nfds_t(list.count), milliseconds ?? -1)
    if ready < 0 {
        if Errno.current == .interrupted { return [] }
        throw SystemCallError("poll", "wait for messages", errno: .current)
    }
    return list.indices.filter { list[$0].revents != 0 }
}
