/// The one declaration of a key: its spelling, its property, its limits and its documentation. Reading, writing,
/// merging, messages, `config explain` and the reference all go by it; its default is the property's.
struct Key<Owner: Section>: Sendable {
    let form: KeyForm
    let decode: @Sendable (Node, inout Owner, inout Decoding) -> Void
    let encode: @Sendable (Owner) -> Node

    init<Value: Setting>(
        _ name: String, _ property: any WritableKeyPath<Owner, Value> & Sendable, required: Bool = false,
        limits: Limits<Value>? = nil, _ text: String
    ) {
        form = KeyForm(
            name: name, text: text, form: Value.form, required: required, limits: limits?.text,
            builtIn: Owner()[keyPath: property].encode())
        encode = { $0[keyPath: property].encode() }
        decode = { node, owner, decoding in
            guard let value = Value.decode(node, &decoding) else { return }
            if let limits, !limits.allow(value) {
                decoding.fail(node, "\(value.encode().inMessage) is not possible: it must be \(limits.text)")
                return
            }
            owner[keyPath: property] = value
        }
    }
}

/// What a value must be beyond what its type says.
struct Limits<Value: Sendable>: Sendable {
    /// As the rest of "must be …".
    let text: String
    let allow: @Sendable (Value) -> Bool
}

extension Limits where Value: TextValue & Comparable {
    static func between(_ low: Value, _ high: Value) -> Self {
        Self(text: "from \(low) to \(high)") { low <= $0 && $0 <= high }
    }
}

extension Limits {
    static func atLeast<Wrapped: TextValue & Comparable>(_ low: Wrapped) -> Self where Value == Wrapped? {
        Self(text: "at least \(low)") { $0.map { $0 >= low } ?? true }
    }

    static func notEmpty<Element>() -> Self where Value == [Element] {
        Self(text: "a list of at least one") { !$0.isEmpty }
    }

    static func notEmpty<Element>() -> Self where Value == [Element]? {
        Self(text: "a list of at least one") { $0?.isEmpty != true }
    }
}

extension Node {
    /// The value as it is shown in a message.
    fileprivate var inMessage: String {
        switch content {
        case .scalar(let scalar): scalar.text
        case .list(let items): items.isEmpty ? "an empty list" : "this list"
        case .mapping, .refused: "this"
        }
    }
}
