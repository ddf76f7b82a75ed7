/// What a value of the configuration looks like: what messages, merging, `config explain` and the reference go by.
indirect enum Form: Sendable {
    /// One word or line of text, or a number.
    case value(ValueKind)
    case list(of: Form)
    /// A mapping with these keys. `named`: in a list, items are told apart by their key `name`.
    case section([KeyForm], named: Bool)
    /// What is inside, or `null`.
    case nullable(Form)

    /// How it is called in messages: "a duration", "a list".
    var withArticle: String {
        switch self {
        case .value(let kind): kind.withArticle
        case .list: "a list"
        case .section: "a mapping of keys"
        case .nullable(let form): form.withArticle
        }
    }

    /// How the reference calls it: "list of ports", "cron expression, or null".
    var title: String {
        switch self {
        case .value(let kind): kind.name
        case .list(.section): "list of mappings"
        case .list(let item): "list of \(item.title)s"
        case .section: "mapping"
        case .nullable(let form): "\(form.title), or null"
        }
    }

    /// The kind of one value or of a list's items; nil for mappings.
    var kind: ValueKind? {
        switch self {
        case .value(let kind): kind
        case .list(let form), .nullable(let form): form.kind
        case .section: nil
        }
    }

    /// The keys of a mapping, of a list's items or of a nullable mapping.
    var keys: [KeyForm] {
        switch self {
        case .value: []
        case .list(let form), .nullable(let form): form.keys
        case .section(let keys, _): keys
        }
    }

    var isListOfMappings: Bool {
        switch self {
        case .list(.section): true
        case .nullable(let form): form.isListOfMappings
        default: false
        }
    }
}

/// A key of the configuration, as it is documented.
struct KeyForm: Sendable {
    let name: String
    let text: String
    let form: Form
    let required: Bool
    /// What its value must be beyond its form, as the rest of "must be …".
    let limits: String?
    /// Its default.
    let builtIn: Node
}
