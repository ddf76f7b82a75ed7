internal import Journal

/// What the ledger remembers besides files.
struct LedgerStatus: Codable, Equatable {
    /// Scans that have not come to their end, by target.
    var running: [String: RunningScan] = [:]
    /// When a target was last scanned to its end, seconds since 1970.
    var completed: [String: UInt32] = [:]
    /// How fast looks were.
    var rate = LookRate()

    /// Scans of paths given by hand that nobody takes up again would pile up.
    static let mostRunning = 32
}

/// A scan that has begun and not come to its end.
struct RunningScan: Codable, Equatable {
    /// Its name, also when it is taken up again.
    var scanID: ScanID
    /// Whether it looks at everything.
    var isFull: Bool
    /// When it began, seconds since 1970.
    var began: UInt32
    /// What was settled when that was last written down.
    var counts = OutcomeCounts()
    /// Whether somebody was told that it was interrupted: a killed session tells nobody.
    var isInterruptionTold = false
    /// What of the bulk data it looks at.
    var rotation = BulkRotation()
}

/// How fast looks were in the last sessions; the older ones count less.
struct LookRate: Codable, Equatable {
    var files: UInt64 = 0
    var bytes: UInt64 = 0
    var microseconds: UInt64 = 0

    /// Adds what one session has looked at.
    mutating func add(files: UInt64, bytes: UInt64, microseconds: UInt64) {
        guard files > 0 else { return }
        self.files = self.files / 2 + files
        self.bytes = self.bytes / 2 + bytes
        self.microseconds = self.microseconds / 2 + microseconds
    }

    /// How long so much would take, in seconds; nil as long as nothing was measured.
    ///
    /// Every file has a price and every byte has one: the mean of both, as for the time that is left of a scan.
    func seconds(files: UInt64, bytes: UInt64) -> Double? {
        guard self.files > 0, microseconds > 0 else { return nil }
        let byFiles = Double(files) / Double(self.files)
        let byBytes = self.bytes > 0 ? Double(bytes) / Double(self.bytes) : byFiles
        return (byFiles + byBytes) / 2 * Double(microseconds) / 1_000_000
    }
}

/// A look that was not clean, remembered as long as the scan it belongs to has not come to its end.
struct SettledFile: Codable {
    var scanID: ScanID
    var state: FileState
    var fileSystem: UInt16
    var context: UInt16
    var outcome: Outcome
    var detail: String?
    var sha256: String?
}
