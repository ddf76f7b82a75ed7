/// The users of a host, from /etc/passwd alone: whoever is only in a directory service has no files and no services here.
public struct HostUsers: Sendable {
    /// A line of the file.
    public struct User: Equatable, Sendable {
        /// The name.
        public var name: String
        /// The number.
        public var uid: UInt32
        /// Whether a person can log in: its shell is not one that refuses.
        public var canLogIn: Bool
    }

    /// The users.
    public let all: [User]

    /// Reads them.
    public init(_ files: HostFiles) {
        all = files.lines("/etc/passwd").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 7, let uid = UInt32(fields[2]) else { return nil }
            let shell = fields[6].split(separator: "/").last ?? ""
            return User(
                name: String(fields[0]), uid: uid, canLogIn: !["nologin", "false", "sync", ""].contains(shell))
        }
    }

    /// The users with a number.
    public subscript(uid: UInt32) -> [User] { all.filter { $0.uid == uid } }

    /// The name of a number, or the number.
    public func name(_ uid: UInt32) -> String { self[uid].first.map { "\($0.name) (\(uid))" } ?? "\(uid)" }
}
