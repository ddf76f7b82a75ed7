public import Journal
public import SystemPackage

/// Where a session sets infected files aside, and which it leaves where they are.
public struct QuarantineOrder: Codable, Sendable {
    /// The folder in which the quarantine is.
    public var state: FilePath
    /// Files that somebody has accepted as they are.
    public var accepted: [AcceptedFile]

    /// An order.
    public init(state: FilePath, accepted: [AcceptedFile] = []) {
        self.state = state
        self.accepted = accepted
    }

    /// A file that somebody has accepted: with these signatures, as long as nothing about it has changed.
    public struct AcceptedFile: Codable, Equatable, Sendable {
        /// The path by which scans meet it.
        public var path: FilePath
        /// What is found in it.
        public var signatures: Set<String>
        /// Its size in bytes.
        public var size: UInt64
        /// Which file, and which state of it.
        public var identity: FileIdentity

        /// An accepted file.
        public init(path: FilePath, signatures: Set<String>, size: UInt64, identity: FileIdentity) {
            self.path = path
            self.signatures = signatures
            self.size = size
            self.identity = identity
        }
    }
}
