internal import FoundationEssentials
internal import Journal
internal import LinuxSystem
public import SystemPackage

/// A finding as `findings --json` prints it.
public struct FindingDocument: Encodable {
    let id: String
    let state: String
    let path: String
    let pathBase64: String?
    let signatures: [String]
    let size: UInt64?
    let sha256: String?
    let target: String?
    let scanID: String
    let firstSeen: String
    let lastSeen: String
    let done: String
    let acknowledged: Accepted?
    let goneSince: String?
    let quarantineID: String?

    struct Accepted: Encodable {
        let reason: String
        let who: String
        let time: String
    }

    /// The form of a finding.
    public init(_ finding: Finding) {
        id = finding.id.description
        state = finding.state.name
        (path, pathBase64) = pathInJSON(finding.path)
        signatures = finding.signatures
        size = finding.size
        sha256 = finding.sha256.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
        target = finding.target
        scanID = finding.scanID.description
        firstSeen = finding.firstSeen.description
        lastSeen = finding.lastSeen.description
        done = finding.done
        var accepted: Accepted?
        var since: String?
        var aside: String?
        switch finding.state {
        case .open: break
        case .acknowledged(let by):
            accepted = Accepted(reason: by.reason, who: by.who, time: by.time.description)
        case .gone(let moment): since = moment.description
        case .quarantined(let id): aside = id.description
        }
        acknowledged = accepted
        goneSince = since
        quarantineID = aside
    }
}

/// A past scan as `history --json` prints it.
public struct PastScanDocument: Encodable {
    let scanID: String
    let target: String?
    let trigger: String
    let started: String
    let ended: String?
    let complete: Bool
    let interruption: String?
    let counts: OutcomeCounts?
    let bytes: UInt64?

    /// The form of a past scan.
    public init(_ scan: PastScan) {
        scanID = scan.scanID.description
        target = scan.target
        trigger = scan.trigger.rawValue
        started = scan.started.description
        ended = scan.ending?.time.description
        complete = scan.ending.map { $0.interruption == nil } ?? false
        interruption = scan.ending?.interruption
        counts = scan.ending?.counts
        bytes = scan.ending?.bytes
    }
}

/// A path in a JSON document, as events have it: text, and its bytes in Base64 where the text is not exactly the path.
public func pathInJSON(_ path: FilePath) -> (text: String, base64: String?) {
    let text = printable(path)
    return (text, Array(text.utf8) == path.bytes ? nil : Data(path.bytes).base64EncodedString())
}
