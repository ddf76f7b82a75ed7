/// Anything that can stand as the value of a key. Its conformances are the one place where the YAML of a value and
/// the value itself meet.
protocol Setting: Sendable, Equatable {
    static var form: Form { get }
    /// Reads the value; nil where that is impossible, with the reason in `decoding.problems`.
    static func decode(_ node: Node, _ decoding: inout Decoding) -> Self?
    /// Writes the value, such that `decode` reads an equal one.
    func encode() -> Node
}

// MARK: - Texts

extension Setting where Self: TextValue {
    static var form: Form { .value(kind) }

    static func decode(_ node: Node, _ decoding: inout Decoding) -> Self? {
        guard let (scalar, value) = decoding.scalar(node, kind) else { return nil }
        do {
            let parsed = try Self(parsing: scalar.text)
            if value == .text { return parsed }
            decoding.fail(
                node,
                "\(printed(scalar)) is \(value.withArticle), not \(kind.withArticle); put it in quotes if it is meant: "
                    + "\"\(scalar.text)\"")
        } catch {
            decoding.fail(node, error.description)
        }
        return nil
    }

    func encode() -> Node { .text(text) }
}

extension TimeSpan: Setting {}
extension ByteSize: Setting {}
extension Port: Setting {}
extension IPPrefix: Setting {}
extension ListenAddress: Setting {}
extension AbsolutePath: Setting {}
extension PathPattern: Setting {}
extension Name: Setting {}
extension KubernetesNamespace: Setting {}
extension PodNamePattern: Setting {}
extension InterfacePattern: Setting {}
extension TimeWindow: Setting {}
extension CronSchedule: Setting {}

// MARK: - Choices

/// A value out of a few words.
protocol Choice: Setting, RawRepresentable, CaseIterable where RawValue == String {
    /// What it is called, without an article.
    static var kindName: String { get }
}

extension Choice {
    static var kind: ValueKind {
        let words = allCases.map(\.rawValue)
        return ValueKind(kindName, write: words.dropLast().joined(separator: ", ") + " or \(words.last ?? "")")
    }

    static var form: Form { .value(kind) }

    static func decode(_ node: Node, _ decoding: inout Decoding) -> Self? {
        guard let (scalar, value) = decoding.scalar(node, kind) else { return nil }
        if let choice = Self(rawValue: scalar.text), value == .text { return choice }
        let near = nearest(to: scalar.text, among: allCases.map(\.rawValue)).map { "did you mean \($0)? " } ?? ""
        decoding.fail(node, "\(printed(scalar)) is not \(kind.withArticle): \(near)write \(kind.allowed)")
        return nil
    }

    func encode() -> Node { .text(rawValue) }
}

// MARK: - Booleans and numbers

extension Bool: Setting {
    static let kind = ValueKind("boolean", write: "true or false")
    static var form: Form { .value(kind) }

    static func decode(_ node: Node, _ decoding: inout Decoding) -> Bool? {
        guard let (scalar, value) = decoding.scalar(node, kind) else { return nil }
        if case .boolean(let boolean) = value { return boolean }
        var message = "\(printed(scalar)) is not a boolean: write true or false"
        if let meant = CoreValue.formerBooleans[scalar.text.lowercased()], !scalar.quoted {
            message = "\(scalar.text) is a text in YAML 1.2, not a boolean: write \(meant)"
        } else if scalar.quoted, scalar.text == "true" || scalar.text == "false" {
            message = "\"\(scalar.text)\" in quotes is a text, not a boolean: write \(scalar.text) without quotes"
        }
        decoding.fail(node, message)
        return nil
    }

    func encode() -> Node { .bare(self ? "true" : "false") }
}

extension UserID: Setting {
    static let kind = ValueKind("user id", write: "a number from 1 to 4294967294, as `id -u NAME` prints it")
    static var form: Form { .value(kind) }

    static func decode(_ node: Node, _ decoding: inout Decoding) -> UserID? {
        guard let number = decoding.integer(node, kind) else { return nil }
        if let user = UInt32(exactly: number).flatMap(UserID.init) { return user }
        decoding.fail(
            node,
            number == 0
                ? "0 is root, whose traffic is the whole machine's: give the validator a user of its own"
                : "\(number) is not \(kind.withArticle): write \(kind.allowed)")
        return nil
    }

    func encode() -> Node { .bare("\(number)") }
}

extension WorkerCount: Setting {
    static let kind = ValueKind("number of workers", write: "auto or a number from 1 to 256")
    static var form: Form { .value(kind) }

    static func decode(_ node: Node, _ decoding: inout Decoding) -> WorkerCount? {
        guard let (scalar, value) = decoding.scalar(node, kind) else { return nil }
        switch value {
        case .text where scalar.text == "auto": return .auto
        case .integer(let number) where (1...256).contains(number): return .exactly(UInt16(number))
        default:
            decoding.fail(node, "\(printed(scalar)) is not \(kind.withArticle): write \(kind.allowed)")
            return nil
        }
    }

    func encode() -> Node {
        switch self {
        case .auto: .text("auto")
        case .exactly(let number): .bare("\(number)")
        }
    }
}

extension Percentage: Setting {
    static let kind = ValueKind("percentage", write: "a number from 0.01 to 100 without a sign, as in 10")
    static var form: Form { .value(kind) }

    static func decode(_ node: Node, _ decoding: inout Decoding) -> Percentage? {
        guard let (scalar, value) = decoding.scalar(node, kind) else { return nil }
        if value != .text, let hundredths = hundredths(scalar.text), let percentage = Percentage(hundredths: hundredths)
        {
            return percentage
        }
        decoding.fail(node, "\(printed(scalar)) is not \(kind.withArticle): write \(kind.allowed)")
        return nil
    }

    /// `7`, `7.5` or `7.25` as 700, 750 and 725.
    private static func hundredths(_ text: String) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first?.wholeNumber, whole <= 100, parts.count <= 2 else { return nil }
        guard parts.count == 2 else { return whole * 100 }
        guard (1...2).contains(parts[1].count), let decimals = Int(parts[1]), decimals >= 0 else { return nil }
        return whole * 100 + (parts[1].count == 1 ? decimals * 10 : decimals)
    }

    func encode() -> Node {
        let rest = hundredths % 100
        let decimals = rest == 0 ? "" : rest % 10 == 0 ? ".\(rest / 10)" : rest < 10 ? ".0\(rest)" : ".\(rest)"
        return .bare("\(hundredths / 100)\(decimals)")
    }
}

// MARK: - Lists and values that may be missing

extension Array: Setting where Element: Setting {
    static var form: Form { .list(of: Element.form) }

    static func decode(_ node: Node, _ decoding: inout Decoding) -> [Element]? {
        guard let items = decoding.list(node, form) else { return nil }
        let errorsBefore = decoding.errorCount
        var values: [Element] = []
        let areNamed = Element.form.isNamed
        var seen: [String: Origin] = [:]
        for (index, item) in items.enumerated() {
            let label = areNamed ? item.name.flatMap { try? Name(parsing: $0).text } : nil
            let value = decoding.within("[\(label ?? "\(index)")]") { decoding -> Element? in
                decoding.noteOrigin(item.origin)
                return Element.decode(item, &decoding)
            }
            guard let identity = label ?? value?.encode().identity else { continue }
            if let first = seen.updateValue(item.origin, forKey: identity) {
                let what = label.map { "the name \($0)" } ?? identity
                decoding.within("[\(index)]") {
                    $0.fail(item, "\(what) is in this list twice, first \(first.inMessage); remove or rename one")
                }
                seen[identity] = first
                continue
            }
            if let value { values.append(value) }
        }
        // Without one of its items it would be another list.
        return decoding.errorCount == errorsBefore ? values : nil
    }

    func encode() -> Node { Node(.list(map { $0.encode() })) }
}

extension Optional: Setting where Wrapped: Setting {
    static var form: Form { .nullable(Wrapped.form) }

    static func decode(_ node: Node, _ decoding: inout Decoding) -> Wrapped?? {
        if case .scalar(let scalar) = node.content, CoreValue(scalar) == .null { return .some(nil) }
        return Wrapped.decode(node, &decoding).map(Optional.some)
    }

    func encode() -> Node { self?.encode() ?? .bare("null") }
}

extension Form {
    var isNamed: Bool {
        if case .section(_, named: true) = self { true } else { false }
    }
}

extension Node {
    /// A text that is equal for equal values of a list.
    fileprivate var identity: String {
        switch content {
        case .scalar(let scalar): scalar.text
        case .list(let items): "[" + items.map(\.identity).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{" + entries.map { "\($0.key): \($0.value.identity)" }.joined(separator: ", ") + "}"
        case .refused: ""
        }
    }
}

extension Origin {
    /// The place for a message about another place of the same file: `on line 7`.
    fileprivate var inMessage: String {
        switch self {
        case .builtIn: "in the built-in list"
        case .file(let place): "on line \(place.line)"
        }
    }
}
