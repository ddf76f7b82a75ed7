/// What a scan would have to do, and how long that would take: the answer of `scan-now --plan`.
public struct ScanPlanned: EventPayload {
    /// Its kind.
    public static let kinds = [EventKind(.scanPlanned, messageID: nil)]

    /// The target's name; nil where paths were given by hand.
    public var target: String?
    /// Files there are, as far as they would be looked at at all.
    public var files: UInt64
    /// Their bytes.
    public var bytes: UInt64
    /// Files that have to be looked at.
    public var filesDue: UInt64
    /// Their bytes.
    public var bytesDue: UInt64
    /// How long that takes at the rate measured until now, in seconds; nil where nothing was measured yet.
    public var seconds: Double?
    /// How long `scan.window` is, in seconds; nil where there is none.
    public var windowSeconds: UInt64?
    /// How long a look counts, in seconds: `scan.reverify`.
    public var reverifySeconds: UInt64
    /// Whether one window is enough; nil where that is not known.
    public var keepsWindow: Bool?
    /// Whether everything can be looked at once within `scan.reverify`; nil where that is not known.
    public var keepsReverify: Bool?
    /// What cannot be kept, and which number to change.
    public var warnings: [String]

    /// A plan.
    public init(
        target: String?, files: UInt64, bytes: UInt64, filesDue: UInt64, bytesDue: UInt64, seconds: Double?,
        windowSeconds: UInt64?, reverifySeconds: UInt64, keepsWindow: Bool?, keepsReverify: Bool?, warnings: [String]
    ) {
        self.target = target
        self.files = files
        self.bytes = bytes
        self.filesDue = filesDue
        self.bytesDue = bytesDue
        self.seconds = seconds
        self.windowSeconds = windowSeconds
        self.reverifySeconds = reverifySeconds
        self.keepsWindow = keepsWindow
        self.keepsReverify = keepsReverify
        self.warnings = warnings
    }

    /// A plan that cannot be kept needs attention.
    public var priority: Priority { warnings.isEmpty ? .info : .warning }
    /// What a person reads.
    public var message: MessageText {
        "A scan of \(scanned(target)) would look at \(filesDue) of \(files) files, \(bytesDue) of \(bytes) bytes."
    }
    /// None: it is never journaled.
    public var fields: [JournalField] { [] }
    /// The event.
    public var event: Event { .scanPlanned(self) }
}
