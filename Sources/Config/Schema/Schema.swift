/// The whole of what can be configured, as a list of keys. It derives from ``Configuration`` and what that contains.
enum Schema {
    static let root = Configuration.form

    /// A key with its full path: `scan.targets[].paths`.
    struct Entry: Sendable {
        let path: String
        let key: KeyForm
    }

    /// Every key in the order in which it is shown, mappings before what they contain.
    static let entries: [Entry] = entries(of: root.keys, in: "")

    private static func entries(of keys: [KeyForm], in outer: String) -> [Entry] {
        keys.flatMap { key in
            let path = joined(outer, key.name)
            let inner = key.form.isListOfMappings ? path + "[]" : path
            return [Entry(path: path, key: key)] + entries(of: key.form.keys, in: inner)
        }
    }

    /// The mappings that have a key of this name.
    static func paths(ofKey name: String, in root: Form) -> [String] {
        entries(of: root.keys, in: "").filter { $0.key.name == name }.map { entry in
            entry.path == name ? "the top level" : String(entry.path.dropLast(name.count + 1))
        }
    }
}
