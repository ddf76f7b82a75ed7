public import LinuxSystem

/// Which file it was that stood at a path, and which content of it: what the kernel knows of it.
public struct FileIdentity: Codable, Equatable, Sendable {
    /// The device's number, as ``LinuxSystem/FileStatus/device`` has it.
    public var device: UInt64
    /// The inode's number.
    public var inode: UInt64
    /// When the content was last changed: seconds since 1970-01-01 UTC.
    public var modifiedSeconds: Int64
    /// And nanoseconds, 0…999,999,999.
    public var modifiedNanoseconds: UInt32
    /// When the inode was last changed: seconds since 1970-01-01 UTC. Only the kernel sets it.
    public var changedSeconds: Int64
    /// And nanoseconds, 0…999,999,999.
    public var changedNanoseconds: UInt32

    /// From what statx(2) said.
    public init(_ status: FileStatus) {
        device = status.device
        inode = status.inode
        modifiedSeconds = status.modified.seconds
        modifiedNanoseconds = status.modified.nanoseconds
        changedSeconds = status.changed.seconds
        changedNanoseconds = status.changed.nanoseconds
    }

    /// From numbers that were kept.
    public init(
        device: UInt64, inode: UInt64, modifiedSeconds: Int64, modifiedNanoseconds: UInt32, changedSeconds: Int64,
        changedNanoseconds: UInt32
    ) {
        self.device = device
        self.inode = inode
        self.modifiedSeconds = modifiedSeconds
        self.modifiedNanoseconds = modifiedNanoseconds
        self.changedSeconds = changedSeconds
        self.changedNanoseconds = changedNanoseconds
    }
}
