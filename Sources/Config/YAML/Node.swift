/// A value of a YAML file, or of the defaults, with its place.
struct Node: Equatable, Sendable {
    var content: Content
    var origin: Origin

    init(_ content: Content, _ origin: Origin = .builtIn) {
        self.content = content
        self.origin = origin
    }

    indirect enum Content: Equatable, Sendable {
        case scalar(Scalar)
        case list([Node])
        case mapping([Entry])
        /// Something that was refused where it was read, and has its error already.
        case refused
    }

    struct Entry: Equatable, Sendable {
        var key: String
        var keyOrigin: Origin
        var value: Node
    }

    /// One word or line. `quoted`: it stands in quotes or in a block, and so is a text whatever it looks like.
    struct Scalar: Equatable, Sendable {
        var text: String
        var quoted: Bool
    }

    /// A value that is no text: a number, `true`, `null`.
    static func bare(_ text: String) -> Node { Node(.scalar(Scalar(text: text, quoted: false))) }

    /// A text.
    static func text(_ text: String) -> Node { Node(.scalar(Scalar(text: text, quoted: true))) }

    /// The text under the key `name`, for lists of named things.
    var name: String? {
        guard case .mapping(let entries) = content, let entry = entries.first(where: { $0.key == "name" }),
            case .scalar(let scalar) = entry.value.content
        else { return nil }
        return scalar.text
    }

    /// Whether it is an empty value that was left empty, as in `scan:` with every key beneath commented out.
    var isLeftEmpty: Bool { content == .scalar(Scalar(text: "", quoted: false)) }
}
