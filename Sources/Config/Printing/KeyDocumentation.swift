/// What can be told about one key of the configuration.
public struct KeyDocumentation: Equatable, Sendable, Encodable {
    /// The full path: `scan.targets[].paths`.
    public let key: String
    /// What kind of value it has: "duration", "list of paths".
    public let type: String
    /// Its default as YAML; nil where the key must be given, and for mappings.
    public let builtIn: String?
    /// Whether it must be given.
    public let required: Bool
    /// What may be written, in each item where it is a list; nil for mappings, whose keys say it.
    public let allowed: String?
    /// What the value must be beyond that, such as "from 1s to 1m"; nil where every value of the type will do.
    public let limits: String?
    /// What it does. Words in backquotes are to be written as they are.
    public let text: String
    /// The keys of a mapping.
    public let keys: [String]

    private enum CodingKeys: String, CodingKey {
        case key, type, required, allowed, limits, text, keys
        case builtIn = "default"
    }

    /// Every key, in the order of the reference.
    public static let all: [KeyDocumentation] = Schema.entries.map(Self.init)

    /// The documentation of a key, however its lists are written: `scan.targets[].paths`, `scan.targets.paths` and
    /// `scan.targets[system].paths` are the same.
    public static func of(_ key: String) -> KeyDocumentation? {
        let wanted = withoutBrackets(key)
        return all.first { withoutBrackets($0.key) == wanted }
    }

    /// Keys that may have been meant by one that does not exist: the nearest path, and the paths whose last key is
    /// this one or near it.
    public static func near(_ key: String) -> [String] {
        let wanted = withoutBrackets(key)
        let last = wanted.split(separator: ".").last.map(String.init) ?? wanted
        let lasts = Set(all.map(\.lastKey))
        let word = lasts.contains(last) ? last : nearest(to: last, among: lasts.sorted())
        let whole = nearest(to: wanted, among: all.map { withoutBrackets($0.key) })
        return all.filter { withoutBrackets($0.key) == whole || $0.lastKey == word }.map(\.key)
    }

    private var lastKey: String { key.split(separator: ".").last.map(String.init) ?? key }

    private init(_ entry: Schema.Entry) {
        let form = entry.key.form
        key = entry.path
        type = form.title
        required = entry.key.required
        builtIn = required || form.isSection ? nil : flowYAML(entry.key.builtIn)
        allowed = form.kind?.allowed
        limits = entry.key.limits
        text = entry.key.text
        keys = form.keys.map(\.name)
    }

    private static func withoutBrackets(_ key: String) -> String {
        var inside = false
        return String(
            key.filter { character in
                if character == "[" { inside = true }
                defer { if character == "]" { inside = false } }
                return !inside
            })
    }
}

extension Form {
    fileprivate var isSection: Bool {
        if case .section = self { true } else { false }
    }
}
