public import Journal
internal import Policy

/// Tells that a database is too old: once a day, not at every look.
public struct StaleSignatures: Equatable, Sendable {
    private var told: [String: UnixTime] = [:]

    /// Nothing told yet.
    public init() {}

    /// What is to be told now. Only of `daily`: see ``Policy/SignaturesAgeCheck``.
    public mutating func look(_ databases: SignatureDatabases, now: UnixTime) -> [SignaturesStale] {
        guard let built = databases["daily"]?.built, built.duration(to: now) > SignaturesAgeCheck.limit else {
            // One that is renewed and gets old again is told at once.
            told["daily"] = nil
            return []
        }
        // A clock that was set back has told nothing yet.
        if let last = told["daily"], last <= now, last.duration(to: now) < .seconds(86400) { return [] }
        told["daily"] = now
        return [
            SignaturesStale(database: "daily", ageSeconds: UInt64(max(0, built.duration(to: now).components.seconds)))
        ]
    }
}
