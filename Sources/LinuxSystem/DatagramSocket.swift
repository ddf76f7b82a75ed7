internal import Glibc
public import SystemPackage

/// A Unix datagram socket connected to a name in the file system, unix(7): connecting asks whether anybody listens.
public struct DatagramSocket: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// Connects; never blocks.
    ///
    /// - Throws: ``SystemCallError``: `ENOENT` where there is no such socket, `ECONNREFUSED` where nobody listens to it.
    public init(connectedTo path: FilePath) throws(SystemCallError) {
        descriptor = try connectedUnixSocket(SOCK_DGRAM, path)
    }

    /// Waits until the listener's queue has room, so that the next datagram would not block; false where it has none when
    /// the time is over.
    public func waitForRoom(_ time: Duration) -> Bool {
        let end = ContinuousClock.now.advanced(by: time)
        while true {
            guard let ready = try? waitForEvents([Watched(descriptor.rawValue, .writable)], until: end) else {
                return false
            }
            if let came = ready.first { return came.events.contains(.writable) }
            if ContinuousClock.now >= end { return false }
        }
    }
}
