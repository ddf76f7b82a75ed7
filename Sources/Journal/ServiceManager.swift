internal import CSystemd
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// What systemd is told of a service of `Type=notify` (sd_notify(3)). Where nothing listens, nothing happens.
///
/// Every call may wait for systemd to read, ten seconds at most: never from the gate's thread.
public enum ServiceManager {
    /// It is up, with one line for `systemctl status`.
    public static func ready(_ status: String) { notify("READY=1\nSTATUS=\(status)") }

    /// One line for `systemctl status`.
    public static func status(_ line: String) { notify("STATUS=\(line)") }

    /// It begins to read its configuration again; ``ready(_:)`` ends that. The time tells systemd 253 and later which
    /// request for it is answered.
    public static func reloading() {
        notify("RELOADING=1\nMONOTONIC_USEC=\(monotonicNanoseconds() / 1000)")
    }

    /// It begins to end.
    public static func stopping() { notify("STOPPING=1") }

    /// A sign of life.
    public static func alive() { notify("WATCHDOG=1") }

    /// How long systemd waits for a sign of life before it takes the service for dead (`WatchdogSec=`); nil: it does not.
    public static var patience: Duration? {
        var microseconds: UInt64 = 0
        guard unsafe sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    private static func notify(_ state: String) {
        // sd_notify(3) itself would wait for as long as systemd does not read: a few messages fit into its queue.
        if let path = unsafe getenv("NOTIFY_SOCKET").map({ unsafe FilePath(platformString: $0) }), path.isAbsolute,
            let socket = try? DatagramSocket(connectedTo: path), !socket.waitForRoom(.seconds(10))
        {
            return
        }
        // A line's end would begin another variable.
        _ = unsafe sd_notify(0, state)
    }
}
