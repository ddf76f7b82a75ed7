import ArgumentParser
import Config
import LinuxSystem

/// `nodeguard config show`: the configuration that is in force, and where each value comes from.
struct ConfigShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print the effective configuration, with the origin of each value.",
        discussion: "The output is a valid configuration itself."
    )

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        let loaded = try global.loadConfiguration()
        guard json else {
            print(loaded.yaml, terminator: "")
            return
        }
        let origins = loaded.placesOfKeys.map {
            (key: $0.key, origin: Report.Origin(file: printable($0.place.file), line: $0.place.line))
        }
        try printJSON(
            Report(
                files: loaded.files.map { printable($0) }, configuration: loaded.tree,
                origins: Dictionary(uniqueKeysWithValues: origins)))
    }

    private struct Report: Encodable {
        let schema = 1
        let files: [String]
        let configuration: SettingsTree
        /// Where the keys that are not at their default were set.
        let origins: [String: Origin]

        struct Origin: Encodable {
            let file: String
            let line: Int
        }
    }
}
