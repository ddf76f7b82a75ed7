/// A mapping of the configuration: a struct with a property for each key.
protocol Section: Setting {
    /// Every key at its default; required ones at some value, which is always replaced.
    init()
    /// The keys, in the order in which they are shown.
    static var keys: [Key<Self>] { get }
    /// Looks for what no single key can tell. A value that was wrong is at its default; but what is said about a
    /// key that has an error already is not heard.
    static func check(_ settings: Self, _ checks: inout Checks)
}

/// A mapping that stands in a list, where it is told from the others by its key `name`.
protocol NamedSection: Section {
    var name: Name { get }
}

extension Section {
    static func check(_ settings: Self, _ checks: inout Checks) {}

    static var form: Form { .section(keys.map(\.form), named: Self.self is any NamedSection.Type) }

    static func decode(_ node: Node, _ decoding: inout Decoding) -> Self? {
        var settings = Self()
        var given: Set<String> = []
        let errorsBefore = decoding.errorCount
        switch node.content {
        case .mapping(let entries):
            for entry in entries {
                given.insert(entry.key)
                if let key = keys.first(where: { $0.form.name == entry.key }) {
                    decoding.within(entry.key) {
                        $0.noteOrigin(entry.keyOrigin)
                        key.decode(entry.value, &settings, &$0)
                    }
                } else {
                    refuse(entry, &decoding)
                }
            }
        case .scalar where node.isLeftEmpty: break
        case .scalar(let scalar):
            decoding.fail(
                node, "this is \(CoreValue(scalar).withArticle), where a mapping is wanted, with the keys \(keyNames)")
        case .list: decoding.fail(node, "this is a list, where a mapping is wanted, with the keys \(keyNames)")
        case .refused: return nil
        }
        if decoding.complete {
            for key in keys where key.form.required && !given.contains(key.form.name) {
                // Most likely a slip in the name of an item that was to be changed.
                let fragment = node.origin.place.map { $0.file != decoding.mainFile } ?? false
                let hint = fragment && form.isNamed ? "; no earlier file has an item of this name" : ""
                decoding.fail(node, "the required key \"\(key.form.name)\" is missing\(hint)")
            }
        }
        if decoding.complete {
            var checks = Checks(decoding: decoding, origin: node.origin)
            check(settings, &checks)
            decoding = checks.decoding
        }
        return decoding.errorCount == errorsBefore ? settings : nil
    }

    func encode() -> Node {
        Node(.mapping(Self.keys.map { .init(key: $0.form.name, keyOrigin: .builtIn, value: $0.encode(self)) }))
    }

    private static var keyNames: String { keys.map(\.form.name).joined(separator: ", ") }

    private static func refuse(_ entry: Node.Entry, _ decoding: inout Decoding) {
        let hint: String
        if let near = nearest(to: entry.key, among: keys.map(\.form.name)) {
            hint = "did you mean \(near)? "
        } else if let elsewhere = Schema.paths(ofKey: entry.key, in: decoding.root).first {
            hint = "it belongs to \(elsewhere); "
        } else {
            hint = ""
        }
        decoding.add(
            .error, entry.keyOrigin, joined(decoding.path, shownKey(entry.key)),
            "unknown key; \(hint)the keys here are \(keyNames)")
    }
}

/// What a section can say about its own keys once it has read them.
struct Checks {
    fileprivate(set) var decoding: Decoding
    fileprivate let origin: Origin
    /// What was found before, as the keys were read.
    private let earlier: [Problem]

    fileprivate init(decoding: Decoding, origin: Origin) {
        self.decoding = decoding
        self.origin = origin
        earlier = decoding.problems
    }

    /// The profiles there are; nil where that is not known.
    var profiles: Profiles? { decoding.profiles }

    /// An error about the value at `key`, a path from the section on, which depends on `others` too. The place is that
    /// of the first of them which a file has, else that of the section.
    mutating func fail(_ key: String, _ message: String, or others: String...) { add(.error, [key] + others, message) }

    /// A warning, likewise.
    mutating func warn(_ key: String, _ message: String, or others: String...) {
        add(.warning, [key] + others, message)
    }

    private mutating func add(_ severity: Problem.Severity, _ keys: [String], _ message: String) {
        let paths = keys.map { joined(decoding.path, $0) }
        guard !paths.contains(where: { hasError(earlier, about: $0) }) else { return }
        let place = paths.lazy.compactMap { [decoding] in decoding.origins[$0]?.place }.first
        decoding.add(severity, place.map(Origin.file) ?? origin, paths[0], message)
    }
}

/// Whether the value at `path`, or anything in it, has an error. The items of a list count as one: where one was
/// wrong, the list is at its default.
private func hasError(_ problems: [Problem], about path: String) -> Bool {
    let list = path.hasSuffix("]") ? path[..<(path.lastIndex(of: "[") ?? path.endIndex)] : path[...]
    return problems.contains {
        $0.severity == .error && $0.key.hasPrefix(list)
            && ($0.key.count == list.count || ".[".contains($0.key.dropFirst(list.count).prefix(1)))
    }
}
