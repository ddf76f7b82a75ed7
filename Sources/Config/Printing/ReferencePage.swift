extension KeyDocumentation {
    /// The reference of all keys as Markdown: the part of docs/configuration.md that is not written by hand.
    public static var markdown: String {
        var page = ""
        for entry in all {
            let depth = entry.key.split(separator: ".").count
            if depth == 1 { page += "\n## \(entry.key)\n" } else { page += "\n### `\(entry.key)`\n" }
            page += "\n\(entry.text)\n\n"
            page += "- Type: \(entry.type)\(entry.required ? ", required" : "")\n"
            if let builtIn = entry.builtIn { page += "- Default: `\(builtIn)`\n" }
            if let allowed = entry.allowed { page += "- Write: \(allowed)\n" }
            if let limits = entry.limits { page += "- Must be: \(limits)\n" }
            if !entry.keys.isEmpty { page += "- Keys: \(entry.keys.map { "`\($0)`" }.joined(separator: ", "))\n" }
        }
        return page
    }
}
