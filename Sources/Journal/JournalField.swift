internal import LinuxSystem
public import SystemPackage

/// One field of a journal entry: a name of the contract and bytes, whatever they are.
public struct JournalField: Equatable, Sendable {
    /// Which field.
    public let name: Name
    /// Its value. Only a path is bytes as they are; any text is safe to print, because `journalctl -x` puts fields into
    /// its explanations without looking at them.
    public let value: [UInt8]

    /// A field with a text, escaped where it is not printable. Backslashes stay as they are.
    public init(_ name: Name, _ text: String) {
        self.name = name
        value = Array(MessageText.escaped(text).utf8)
    }

    /// A field with a number.
    public init(_ name: Name, _ number: some BinaryInteger) {
        self.init(name, String(number))
    }

    /// A field with the bytes of a path.
    public init(_ name: Name, _ path: FilePath) {
        self.name = name
        value = path.bytes
    }

    /// The names of all fields that are ever sent.
    ///
    /// systemd.journal-fields(7) has those without the prefix. The journal drops a field with an invalid name without
    /// a word, so there is no way to send one that is not declared here.
    public enum Name: String, CaseIterable, Sendable {
        /// The line a person reads.
        case message = "MESSAGE"
        /// The kind of event, for `journalctl -x`.
        case messageID = "MESSAGE_ID"
        /// syslog's severity, 0 (emergency) to 7 (debug).
        case priority = "PRIORITY"
        /// Always `nodeguard`.
        case syslogIdentifier = "SYSLOG_IDENTIFIER"

        /// The name of the event, `scan.started`.
        case event = "NODEGUARD_EVENT"
        /// The target of a scan; absent where paths were given by hand.
        case target = "NODEGUARD_TARGET"
        /// A path, byte for byte.
        case path = "NODEGUARD_PATH"
        /// What matched; more than one value where more than one signature did.
        case signature = "NODEGUARD_SIGNATURE"
        /// What became of a file.
        case outcome = "NODEGUARD_OUTCOME"
        /// Why.
        case reason = "NODEGUARD_REASON"
        /// The scan it belongs to, see ``ScanID``.
        case scanID = "NODEGUARD_SCAN_ID"
        /// A posture check.
        case check = "NODEGUARD_CHECK"
        /// The gate after the event: `open` or `closed`.
        case gate = "NODEGUARD_GATE"

        /// Files of a finished scan that ended clean.
        case filesClean = "NODEGUARD_FILES_CLEAN"
        /// Files of a finished scan that are provably the same as when they were clean.
        case filesUnchanged = "NODEGUARD_FILES_UNCHANGED"
        /// Files of a finished scan in which something was found.
        case filesInfected = "NODEGUARD_FILES_INFECTED"
        /// Files of a finished scan that could not be looked at in full.
        case filesIncomplete = "NODEGUARD_FILES_INCOMPLETE"
        /// Files of a finished scan that were left out.
        case filesSkipped = "NODEGUARD_FILES_SKIPPED"
        /// Bytes of content looked at.
        case bytes = "NODEGUARD_BYTES"
        /// How long it took, in microseconds.
        case durationMicroseconds = "NODEGUARD_DURATION_USEC"

        /// What exactly happened, in words.
        case detail = "NODEGUARD_DETAIL"
        /// Findings of a scan that nobody has accepted.
        case findings = "NODEGUARD_FINDINGS"
        /// `yes` where a scan looked at everything it was to look at, else `no`.
        case complete = "NODEGUARD_COMPLETE"
        /// `pass`, `fail` or `unknown`.
        case checkStatus = "NODEGUARD_CHECK_STATUS"
        /// The gate's mode: `observe`, `enforce` or `disabled`.
        case gateMode = "NODEGUARD_GATE_MODE"
        /// A file set aside, as `nodeguard quarantine` names it.
        case quarantineID = "NODEGUARD_QUARANTINE_ID"
        /// Where a file was restored to, byte for byte.
        case restoredTo = "NODEGUARD_RESTORED_TO"
        /// A signature database, `daily`.
        case database = "NODEGUARD_DATABASE"
        /// nodeguard's version.
        case version = "NODEGUARD_VERSION"
    }
}
