extension LoadedConfiguration {
    /// Every key with the value that is in force, as YAML that loads again to the same settings, with a comment
    /// behind each value that says where it comes from.
    public var yaml: String {
        var writer = YAMLWriter(origins: origins)
        writer.write(settings.encode(), path: "", indent: "")
        return writer.text
    }
}

/// Writes a tree of mappings, one key a line.
private struct YAMLWriter {
    let origins: [String: Origin]
    private(set) var text = ""

    init(origins: [String: Origin]) { self.origins = origins }

    mutating func write(_ node: Node, path: String, indent: String, firstIndent: String? = nil) {
        guard case .mapping(let entries) = node.content else { return }
        var start = firstIndent ?? indent
        for entry in entries {
            let path = joined(path, entry.key)
            switch entry.value.content {
            case .mapping:
                text += "\(start)\(entry.key):\n"
                write(entry.value, path: path, indent: indent + "  ")
            case .list(let items) where items.contains(where: \.isMapping):
                text += "\(start)\(entry.key):\n"
                for item in items {
                    let path = "\(path)[\(item.name ?? "")]"
                    write(item, path: path, indent: indent + "    ", firstIndent: indent + "  - ")
                }
            default:
                line("\(start)\(entry.key): \(flowYAML(entry.value))", from: origins[path] ?? .builtIn)
            }
            start = indent
        }
    }

    private mutating func line(_ content: String, from origin: Origin) {
        let padding = String(repeating: " ", count: max(2, 44 - content.unicodeScalars.count))
        text += "\(content)\(padding)# \(origin)\n"
    }
}

extension Node {
    fileprivate var isMapping: Bool {
        if case .mapping = content { true } else { false }
    }
}

/// A value as YAML on one line.
func flowYAML(_ node: Node) -> String {
    switch node.content {
    case .scalar(let scalar): scalar.quoted ? yamlText(scalar.text) : scalar.text
    case .list(let items): "[" + items.map(flowYAML).joined(separator: ", ") + "]"
    case .mapping(let entries):
        "{ " + entries.map { "\($0.key): \(flowYAML($0.value))" }.joined(separator: ", ") + " }"
    case .refused: ""
    }
}

/// A text as YAML: in quotes, unless no reader of YAML, of whichever version, could take it for anything else.
public func yamlText(_ text: String) -> String {
    let plain = text.utf8.allSatisfy { $0.isLetterOrDigit || "/._-".utf8.contains($0) }
    let begins = text.utf8.first.map { $0.isLetterOrDigit || $0 == UInt8(ascii: "/") } ?? false
    let word = CoreValue(.init(text: text, quoted: false))
    if plain, begins, word == .text, CoreValue.formerBooleans[text.lowercased()] == nil, !isDate(text) { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case "\n": quoted += "\\n"
        case "\t": quoted += "\\t"
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                let code = String(scalar.value, radix: 16)
                quoted += "\\U" + String(repeating: "0", count: 8 - code.count) + code
            default: quoted.unicodeScalars.append(scalar)
            }
        }
    }
    return quoted + "\""
}

/// Whether readers of YAML 1.1 could take a text for a time stamp: it is made of digits and dashes.
private func isDate(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
}
