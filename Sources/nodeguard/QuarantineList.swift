import Agent
import ArgumentParser
import Config
import Journal
import LinuxSystem
import Scanner
import SystemPackage

/// `nodeguard quarantine list`
struct QuarantineList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the files that were set aside.")

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        let quarantine = try QuarantineCommand.open(global.loadConfiguration().settings)
        let entries = try StateFolder.reading { try quarantine?.entries() ?? [] }
        if json {
            try printJSON(Document(files: entries.map(Document.Item.init)))
        } else if entries.isEmpty {
            print("nothing is in the quarantine")
        } else {
            for entry in entries { print(Self.text(entry)) }
        }
        let damaged = entries.filter { if case .failure = $0.manifest { true } else { false } }
        if !damaged.isEmpty { throw ExitCode(2) }
    }

    private static func text(_ entry: Quarantine.Entry) -> String {
        switch entry.manifest {
        case .failure(let error):
            return "\(entry.id)  DAMAGED: \(error). It cannot be restored; nodeguard quarantine delete \(entry.id)"
        case .success(let manifest):
            let found = manifest.signatures.map { printable($0.utf8) }.joined(separator: ", ")
            return
                "\(entry.id)  \(printable(manifest.place))  \(Quantity.bytes(manifest.size))  \(manifest.time)  \(found)"
        }
    }

    private struct Document: Encodable {
        let schema = 1
        let files: [Item]

        struct Item: Encodable {
            let id: String
            var damaged: String?
            var path: String?
            var pathBase64: String?
            var signatures: [String]?
            var size: UInt64?
            var target: String?
            var scanID: String?
            var time: String?

            init(_ entry: Quarantine.Entry) {
                id = entry.id.description
                switch entry.manifest {
                case .failure(let error): damaged = error.description
                case .success(let manifest):
                    (path, pathBase64) = pathInJSON(manifest.place)
                    signatures = manifest.signatures
                    size = manifest.size
                    target = manifest.target
                    scanID = manifest.scanID.description
                    time = manifest.time.description
                }
            }
        }
    }
}
