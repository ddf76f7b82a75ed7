internal import Config
internal import FoundationEssentials
internal import Journal
internal import LinuxSystem
internal import Policy
internal import Scanner
internal import SystemPackage
internal import Varlink

/// A method of the control socket.
struct ControlMethod: Sendable {
    let name: String
    let answer: @Sendable (VarlinkCall, Control) throws(VarlinkError) -> Void

    /// The interface in the words of Varlink: what `varlink info` and `varlinkctl introspect` show.
    static let description = """
        # nodeguard's agent: scans a validator's machine, verifies its posture, and guards its ports.
        interface io.nodeguard

        # A path: text, or its bytes in Base64 where they are not plain text.
        type Path (path: ?string, pathBase64: ?string)

        # Everything there is to know, as `nodeguard status --json` prints it.
        method GetStatus() -> (status: object)

        # Scans the paths, or the targets named, or all targets. Needs `more`: the first reply tells the number of the scan, for
        # EndScan; each event is a reply, as `nodeguard scan-now --json` prints it; and the last reply tells how the scan ended,
        # finished, interrupted or failed, and what journal, metrics or findings did not take of it, a sentence each.
        # Who goes away ends the scan, and so does who takes nothing of what is told for 15 minutes. With `plan` it runs beside
        # other scans; else it begins after those by hand that were asked for before, and the schedule's makes room.
        method Scan(
          paths: ?[]Path,
          targets: ?[]string,
          full: ?bool,
          plan: ?bool,
          respectWindow: ?bool,
          everyFile: ?bool,
          estimate: ?bool
        ) -> (scan: ?int, event: ?object, ended: ?string, why: ?string, notes: ?[]string)

        # Ends a scan that Scan began, in good order: what was begun is told to its end there, with the summary. It is called
        # on another connection.
        method EndScan(scan: int) -> ()

        # Opens the gate for so many seconds, whatever the posture: 1 to 86400.
        method OpenGate(seconds: int, reason: string) -> ()

        # Forces the gate shut, through reboots and upgrades, until ResumeGate.
        method CloseGate(reason: string) -> ()

        # Takes back OpenGate and CloseGate: the posture decides again.
        method ResumeGate() -> ()

        # Replies when the gate is open.
        method WaitOpen() -> ()

        # The findings, those met last first, as `nodeguard findings --json` prints them; without `all` the open ones.
        method GetFindings(all: ?bool) -> (findings: []object)

        # The past scans, the latest first, as `nodeguard history --json` prints them.
        method GetHistory(target: ?string) -> (scans: []object)

        # Reads the configuration again.
        method Reload() -> ()

        # The configuration is wrong; the one of before stays in force.
        error ConfigurationRejected (problems: []string)

        # The gate was forced shut and stays so until ResumeGate.
        error ForcedShut (reason: string)

        # There is no target of this name.
        error NoSuchTarget (name: string)

        # There is no such scan, or it has ended.
        error NoSuchScan (scan: int)

        # So many scans wait already.
        error TooManyScans ()

        # It could not be done.
        error Failed (why: string)

        # There are as many connections as there may be.
        error TooManyConnections ()

        # A reply has no form in JSON, or is too long.
        error CannotReply (reason: string)

        """

    static let all = [
        getStatus, scan, endScan, openGate, closeGate, resumeGate, waitOpen, getFindings, getHistory, reload,
    ]

    private static let getStatus = ControlMethod(name: "GetStatus") { call, control throws(VarlinkError) in
        call.reply(["status": control.asked.status])
    }

    private static let scan = ControlMethod(name: "Scan") { call, control throws(VarlinkError) in
        guard call.wantsMore else { throw .expectedMore }
        let wanted = try call.parameters(as: ScanParameters.self)
        let names = control.asked.configuration.loaded.settings.scan.targets.map(\.name.text)
        for name in wanted.targets ?? [] where !names.contains(name) {
            throw VarlinkError("io.nodeguard.NoSuchTarget", parameters: ["name": name])
        }
        let request = try wanted.request()
        guard let number = control.asked.scans.want(request, ScanConversation(call)) else {
            throw VarlinkError("io.nodeguard.TooManyScans")
        }
        _ = call.send(ScanReply(scan: number))
    }

    private static let endScan = ControlMethod(name: "EndScan") { call, control throws(VarlinkError) in
        let number = try call.parameters(as: EndScanParameters.self).scan
        guard control.asked.scans.endScan(number) else {
            throw VarlinkError("io.nodeguard.NoSuchScan", parameters: ["scan": number])
        }
        call.reply()
    }

    private static let openGate = ControlMethod(name: "OpenGate") { call, control throws(VarlinkError) in
        let wanted = try call.parameters(as: OpenParameters.self)
        guard (1...86_400).contains(wanted.seconds) else { throw .invalidParameter("seconds") }
        let store = control.asked.store
        if case .forcedShut(let reason) = store.current() {
            throw VarlinkError("io.nodeguard.ForcedShut", parameters: ["reason": printable(reason.utf8)])
        }
        let until = UnixTime(microseconds: UnixTime.now().microseconds + wanted.seconds * 1_000_000)
        try control.override(.open(until: until), wanted.reason, by: call) { () throws(SystemCallError) in
            try store.breakGlass(for: .seconds(wanted.seconds), reason: wanted.reason)
        }
    }

    private static let closeGate = ControlMethod(name: "CloseGate") { call, control throws(VarlinkError) in
        let reason = try call.parameters(as: CloseParameters.self).reason
        let store = control.asked.store
        try control.override(.close, reason, by: call) { () throws(SystemCallError) in
            try store.close(reason: reason)
        }
    }

    private static let resumeGate = ControlMethod(name: "ResumeGate") { call, control throws(VarlinkError) in
        let store = control.asked.store
        try control.override(.resume, "resumed by hand", by: call) { () throws(SystemCallError) in try store.resume() }
    }

    private static let waitOpen = ControlMethod(name: "WaitOpen") { call, control throws(VarlinkError) in
        control.whenOpen(call)
    }

    private static let getFindings = ControlMethod(name: "GetFindings") { call, control throws(VarlinkError) in
        let isAll = try call.parameters(as: FindingsParameters.self).all ?? false
        let findings = try control.fromState { try FindingsStore(state: $0).findings(all: isAll) }
        call.reply(["findings": findings.map(FindingDocument.init)])
    }

    private static let getHistory = ControlMethod(name: "GetHistory") { call, control throws(VarlinkError) in
        let target = try call.parameters(as: HistoryParameters.self).target
        let scans = try control.fromState { try FindingsStore(state: $0).history(target: target) }
        call.reply(["scans": scans.prefix(longestHistory).map(PastScanDocument.init)])
    }

    /// How many past scans one reply holds.
    private static let longestHistory = 1000

    private static let reload = ControlMethod(name: "Reload") { call, control throws(VarlinkError) in
        do throws(ConfigurationRefusal) {
            try control.asked.reload()
        } catch {
            throw VarlinkError("io.nodeguard.ConfigurationRejected", parameters: ["problems": error.problems])
        }
        call.reply()
    }
}

extension Control {
    /// Remembers a person's will, tells who it was, and has the gate follow.
    fileprivate func override(
        _ action: GateOverride.Action, _ reason: String, by call: VarlinkCall,
        _ remember: () throws(SystemCallError) -> Void
    ) throws(VarlinkError) {
        do {
            try remember()
        } catch {
            throw VarlinkError("io.nodeguard.Failed", parameters: ["why": error.description])
        }
        asked.tell(GateOverride(action: action, reason: reason, uid: call.peer.uid).event)
        asked.gate.lookNow()
        call.reply()
    }

    /// Reads something of the state folder.
    fileprivate func fromState<Result>(_ read: (FilePath) throws -> Result) throws(VarlinkError) -> Result {
        do {
            return try read(asked.configuration.loaded.settings.paths.state.path)
        } catch {
            throw VarlinkError("io.nodeguard.Failed", parameters: ["why": "\(error)"])
        }
    }
}

/// The parameters of `io.nodeguard.EndScan`.
struct EndScanParameters: Codable {
    var scan: Int64
}

private struct OpenParameters: Decodable {
    var seconds: Int64
    var reason: String
}

private struct CloseParameters: Decodable {
    var reason: String
}

private struct FindingsParameters: Decodable {
    var all: Bool?
}

private struct HistoryParameters: Decodable {
    var target: String?
}

/// The parameters of `io.nodeguard.Scan`.
struct ScanParameters: Codable {
    var paths: [WirePath]?
    var targets: [String]?
    var full: Bool?
    var plan: Bool?
    var respectWindow: Bool?
    var everyFile: Bool?
    var estimate: Bool?

    init(_ request: ScanRequest) {
        paths = request.paths.map(WirePath.init)
        targets = request.targets
        full = request.isFull
        plan = request.isPlan
        respectWindow = request.respectsWindow
        everyFile = request.tellsEverything
        estimate = request.estimatesTotals
    }

    func request() throws(VarlinkError) -> ScanRequest {
        var absolute: [FilePath] = []
        for path in paths ?? [] {
            guard let path = path.filePath, path.isAbsolute else { throw .invalidParameter("paths") }
            absolute.append(path)
        }
        guard absolute.isEmpty || (targets ?? []).isEmpty else { throw .invalidParameter("targets") }
        return ScanRequest(
            paths: absolute, targets: targets ?? [], isFull: full ?? false, isPlan: plan ?? false,
            respectsWindow: respectWindow ?? false, tellsEverything: everyFile ?? false,
            estimatesTotals: estimate ?? false)
    }
}

/// A path in JSON: as text, or its bytes where they are not plain text.
struct WirePath: Codable {
    var path: String?
    var pathBase64: String?

    init(_ path: FilePath) {
        let text = String(decoding: path.bytes, as: UTF8.self)
        if Array(text.utf8) == path.bytes {
            self.path = text
        } else {
            pathBase64 = Data(path.bytes).base64EncodedString()
        }
    }

    /// The path; nil where there is none, or a NUL in it.
    var filePath: FilePath? {
        let bytes = pathBase64.map { Data(base64Encoded: $0).map(Array.init) } ?? path.map { Array($0.utf8) }
        guard let bytes, !bytes.isEmpty, !bytes.contains(0) else { return nil }
        return FilePath(bytes: bytes)
    }
}
