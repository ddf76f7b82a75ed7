import Agent
import ArgumentParser
import Config
import Journal
import LinuxSystem
import Scanner
import SystemPackage

/// `nodeguard quarantine`: the files that were set aside.
struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Show, restore and delete the files that were set aside.",
        discussion: "Exits 0, or 2 where something went wrong.",
        subcommands: [QuarantineList.self, QuarantineRestore.self, QuarantineDelete.self]
    )

    /// The quarantine of the configured state folder; nil where there is none yet.
    static func open(_ settings: Configuration) throws -> Quarantine? {
        let state = settings.paths.state.path
        guard exists(state.appending("quarantine")) else { return nil }
        return try StateFolder.reading {
            try HostRoot.use(settings.paths.host.path)
            return try Quarantine(state: state)
        }
    }

    /// The one that somebody means; else the command ends with 2.
    static func named(_ text: String, _ quarantine: Quarantine?) throws -> (Quarantine, ShortID) {
        try StateFolder.reading {
            let id = try ShortID.named(text, among: quarantine?.entries().map(\.id) ?? [])
            return (quarantine!, id)
        }
    }

    /// Keeps the findings and the metrics true. The file is where it shall be already: what fails here is only told.
    static func record(_ settings: Configuration, _ change: (FindingsStore) throws -> Void) {
        do {
            let store = try FindingsStore(state: settings.paths.state.path)
            if let note = store.note { printError("note: \(note)") }
            try change(store)
            let metrics = MetricsStore(
                state: settings.paths.state.path, textfile: settings.metrics.textfile?.path,
                version: Nodeguard.version)
            metrics.tell(try FindingsTally(store))
            for problem in metrics.problems { printError("note: \(problem)") }
        } catch {
            printError("note: the findings do not show this yet: \(error)")
        }
    }
}
