import Agent
import ArgumentParser
import Config
import Journal
import LinuxSystem

/// `nodeguard history`: past scans.
struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show past scans, the latest first.")

    @OptionGroup var global: GlobalOptions

    @Option(help: ArgumentHelp("Only scans of this target.", valueName: "name"))
    var target: String?

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        let store = try StateFolder.findings(global.loadConfiguration().settings)
        let scans = try store.map { store in try StateFolder.reading { try store.history(target: target) } } ?? []
        if json {
            try printJSON(Document(scans: scans.map(PastScanDocument.init)))
        } else if scans.isEmpty {
            print("no scan yet" + (target.map { " of target \(printable($0.utf8))" } ?? ""))
        } else {
            for scan in scans { print(Self.text(scan)) }
        }
    }

    private static func text(_ scan: PastScan) -> String {
        let what = scan.target.map { printable($0.utf8) } ?? "paths by hand"
        let begin = "\(scan.started)  \(what)  (\(scan.trigger.rawValue))  "
        guard let ending = scan.ending else {
            return begin + "has no end yet: it runs, or it was killed.  scan \(scan.scanID)"
        }
        let seconds = Double(ending.time.microseconds - scan.started.microseconds) / 1_000_000
        let counts = Outcome.Kind.allCases.map { "\(ending.counts[$0]) \($0.rawValue)" }.joined(separator: ", ")
        let bytes = ending.bytes.map { ", \(Quantity.bytes($0))" } ?? ""
        let how = ending.interruption.map { "INTERRUPTED (\(printable($0.utf8)))" } ?? "complete"
        return begin + "\(how) after \(Quantity.seconds(max(0, seconds))): \(counts)\(bytes)  scan \(scan.scanID)"
    }

    private struct Document: Encodable {
        let schema = 1
        let scans: [PastScanDocument]
    }
}
