import Agent
import ArgumentParser
import Config
import Scanner

/// `nodeguard quarantine delete ID`
struct QuarantineDelete: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a file that was set aside, for good.")

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The identifier that `quarantine list` shows, or the beginning of it.")
    var id: String

    func run() throws {
        let settings = try global.loadConfiguration().settings
        let (quarantine, id) = try QuarantineCommand.named(id, QuarantineCommand.open(settings))
        try StateFolder.reading { try quarantine.delete(id) }
        QuarantineCommand.record(settings) { try $0.deleted(id) }
        print("deleted \(id)")
    }
}
