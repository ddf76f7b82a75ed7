import ArgumentParser
import Config

/// `nodeguard config explain`: what a key does and what may be written for it.
struct ConfigExplain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Document a key of the configuration; without one, list all.",
        discussion: "Items of lists may be left out of a key: scan.targets.paths is scan.targets[].paths."
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The full path of a key, such as policy.gate.mode.", valueName: "key"))
    var key: String?

    @Flag(help: "Print one JSON document.")
    var json = false

    @Flag(help: "Print the reference of all keys as Markdown.")
    var markdown = false

    func validate() throws {
        if markdown && (json || key != nil) {
            throw ValidationError("--markdown is about all keys, and goes with nothing else")
        }
        if let key, KeyDocumentation.of(key) == nil {
            let near = KeyDocumentation.near(key)
            let hint =
                near.isEmpty
                ? "`nodeguard config explain` lists them all" : "did you mean \(near.joined(separator: ", "))?"
            throw ValidationError("there is no key \(key); \(hint)")
        }
    }

    func run() throws {
        if markdown {
            print(KeyDocumentation.markdown, terminator: "")
        } else if json {
            try printJSON(Report(keys: key.flatMap(KeyDocumentation.of).map { [$0] } ?? KeyDocumentation.all))
        } else if let documentation = key.flatMap(KeyDocumentation.of) {
            explain(documentation)
        } else {
            list()
        }
    }

    private func explain(_ documentation: KeyDocumentation) {
        print("\(documentation.key)\n")
        for line in wrapped(documentation.text.filter { $0 != "`" }, width: 76) { print("  \(line)") }
        print("\n  Type:     \(documentation.type)\(documentation.required ? ", required" : "")")
        if let builtIn = documentation.builtIn { print("  Default:  \(builtIn)") }
        if let allowed = documentation.allowed {
            let lines = wrapped(allowed, width: 68)
            for (index, line) in lines.enumerated() { print((index == 0 ? "  Write:    " : "            ") + line) }
        }
        if let limits = documentation.limits { print("  Must be:  \(limits)") }
        if !documentation.keys.isEmpty { print("  Keys:     \(documentation.keys.joined(separator: ", "))") }
    }

    private func list() {
        let width = (KeyDocumentation.all.map(\.key.count).max() ?? 0) + 2
        for documentation in KeyDocumentation.all {
            let padding = String(repeating: " ", count: width - documentation.key.count)
            // The built-in targets are too long for a list.
            let builtIn = documentation.builtIn.map { $0.count > 60 ? "" : " = \($0)" } ?? ""
            print(
                "\(documentation.key)\(padding)\(documentation.type)\(documentation.required ? ", required" : builtIn)")
        }
    }

    /// The words of a text in lines of at most `width` characters, where no word is longer.
    private func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    private struct Report: Encodable {
        let schema = 1
        let keys: [KeyDocumentation]
    }
}
