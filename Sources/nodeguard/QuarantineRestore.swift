import Agent
import ArgumentParser
import Config
import Journal
import LinuxSystem
import Scanner

/// `nodeguard quarantine restore ID`
struct QuarantineRestore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a file back, with its owner, mode, times, access lists and attributes.",
        discussion: """
            Never over anything that is there, and never through a symbolic link. The next scan finds the file again: \
            accept the finding before that, where it is meant to be there.
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The identifier that `quarantine list` shows, or the beginning of it.")
    var id: String

    @Option(
        name: .customLong("to"), help: ArgumentHelp("Put it there instead of where it was.", valueName: "path"))
    var destination: PathArgument?

    func run() throws {
        let settings = try global.loadConfiguration().settings
        let (quarantine, id) = try QuarantineCommand.named(id, QuarantineCommand.open(settings))
        let restored = try StateFolder.reading { try quarantine.restore(id, to: destination?.absolute()) }
        QuarantineCommand.record(settings) {
            try $0.restored(id, to: restored.place, identity: restored.identity)
        }
        if settings.journal.enabled {
            let event = FileRestored(
                path: restored.manifest.path, restoredTo: restored.place, signature: restored.manifest.signatures[0],
                quarantineID: id.description)
            do { try JournaldSink().send(.fileRestored(event)) } catch { printError("note: \(error)") }
        }
        print("restored \(printable(restored.place))")
        print("next: nodeguard findings shows it; accept it there, or the next scan finds it again")
    }
}
