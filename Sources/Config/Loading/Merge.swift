/// Puts the tree of a later file over that of the earlier ones: mappings merge deep, lists of named things merge by
/// name, anything else is replaced.
///
/// A list of named things that no file has mentioned before begins as the built-in one: a target's schedule can be
/// changed in `conf.d` without repeating the other targets, and none is lost by it.
func merged(_ base: Node, _ over: Node, _ form: Form) -> Node {
    switch (form, base.content, over.content) {
    case (.nullable(let inner), _, _):
        return merged(base, over, inner)
    case (.section, _, .scalar) where over.isLeftEmpty:
        return base
    case (.section, .scalar, .mapping) where base.isLeftEmpty:
        return merged(Node(.mapping([]), base.origin), over, form)
    case (.section(let keys, _), .mapping(var entries), .mapping(let later)):
        for entry in later {
            let key = keys.first { $0.name == entry.key }
            if let index = entries.firstIndex(where: { $0.key == entry.key }) {
                let value = key.map { merged(entries[index].value, entry.value, $0.form) } ?? entry.value
                // What was only added to keeps its place, what was replaced has the new one.
                let replaced = value == entry.value
                entries[index] = .init(
                    key: entry.key, keyOrigin: replaced ? entry.keyOrigin : entries[index].keyOrigin, value: value)
            } else {
                let value = key.map { merged($0.start(for: entry.value), entry.value, $0.form) } ?? entry.value
                entries.append(.init(key: entry.key, keyOrigin: entry.keyOrigin, value: value))
            }
        }
        return Node(.mapping(entries), base.origin)
    case (.list(of: let item), .list(var items), .list(let later)) where item.isNamed:
        for node in later {
            if let name = node.name, let index = items.firstIndex(where: { $0.name == name }) {
                items[index] = merged(items[index], node, item)
            } else {
                items.append(node)
            }
        }
        return Node(.list(items), base.origin)
    default:
        return over
    }
}

extension KeyForm {
    /// What a value is laid over where no earlier file has the key.
    fileprivate func start(for value: Node) -> Node {
        form.isListOfNamed ? builtIn : Node(.mapping([]), value.origin)
    }
}

extension Form {
    var isListOfNamed: Bool {
        if case .list(of: let item) = self { item.isNamed } else { false }
    }
}
