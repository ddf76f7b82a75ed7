import LinuxSystem
import SystemPackage

/// What reading a tree of YAML as configuration has come to: where it stands, and what was wrong so far.
struct Decoding {
    /// Whether the tree is all there is. One file of several need not have every key that is required.
    let complete: Bool
    /// The profiles there are; nil where that is not known, and any plausible name will do.
    let profiles: Profiles?
    /// Everything that the file may say, for hints on a key in the wrong place.
    let root: Form
    private(set) var problems: [Problem] = []
    /// Where each value comes from, by the path of its key.
    private(set) var origins: [String: Origin] = [:]
    /// The path of the key that is being read.
    private(set) var path = ""

    /// The file for problems that have no place of their own.
    let mainFile: FilePath

    init(complete: Bool, mainFile: FilePath, profiles: Profiles? = nil, root: Form = Schema.root) {
        self.complete = complete
        self.mainFile = mainFile
        self.profiles = profiles
        self.root = root
    }

    /// How many errors there are; warnings don't count.
    var errorCount: Int { problems.count { $0.severity == .error } }

    /// Reads a part: `step` is a key's name, or `[…]` for an item of a list.
    mutating func within<Result>(_ step: String, _ body: (inout Decoding) -> Result) -> Result {
        let outer = path
        path = joined(path, step)
        defer { path = outer }
        return body(&self)
    }

    mutating func noteOrigin(_ origin: Origin) { origins[path] = origin }

    mutating func fail(_ node: Node, _ message: String) { add(.error, node.origin, path, message) }

    mutating func add(_ severity: Problem.Severity, _ origin: Origin, _ key: String, _ message: String) {
        switch origin {
        case .file(let place): problems.append(Problem(severity, place, key: key, message))
        case .builtIn: problems.append(Problem(severity, file: mainFile, key: key, message))
        }
    }

    /// The scalar of a node where one is wanted, and what it means; an error for anything else, and for null.
    mutating func scalar(_ node: Node, _ kind: ValueKind) -> (Node.Scalar, CoreValue)? {
        switch node.content {
        case .scalar(let scalar):
            let value = CoreValue(scalar)
            if value != .null { return (scalar, value) }
            let what = scalar.text.isEmpty ? "the value is missing" : "\(scalar.text) is not possible here"
            fail(node, "\(what): write \(kind.allowed), or leave the key out for its default")
        case .list: fail(node, "this is a list, where \(kind.withArticle) is wanted: write \(kind.allowed)")
        case .mapping: fail(node, "this is a mapping, where \(kind.withArticle) is wanted: write \(kind.allowed)")
        case .refused: break
        }
        return nil
    }

    /// The number of a node where a whole one is wanted.
    mutating func integer(_ node: Node, _ kind: ValueKind) -> Int? {
        guard let (scalar, value) = scalar(node, kind) else { return nil }
        if case .integer(let number) = value { return number }
        let digits = scalar.text.drop { $0 == "0" }
        if value == .otherNumber, scalar.text.first == "0", let number = digits.wholeNumber {
            fail(
                node,
                "\(scalar.text) is octal in YAML 1.1 and decimal in YAML 1.2: write it without leading zeros, \(number)"
            )
        } else if scalar.quoted, let number = scalar.text.wholeNumber {
            fail(node, "\"\(number)\" in quotes is a text, not a number: write \(number) without quotes")
        } else {
            fail(node, "\(printed(scalar)) is not \(kind.withArticle): write \(kind.allowed)")
        }
        return nil
    }

    mutating func list(_ node: Node, _ form: Form) -> [Node]? {
        switch node.content {
        case .list(let items): return items
        case .scalar(let scalar):
            if CoreValue(scalar) == .null {
                fail(node, "the list is missing: write [] for an empty list, or leave the key out for its default")
            } else {
                fail(node, "this is one value, where a list is wanted: write [\(printed(scalar))]")
            }
        case .mapping: fail(node, "this is a mapping, where a list is wanted: begin each item with \"- \"")
        case .refused: break
        }
        return nil
    }
}

/// The path of a key within the one of `outer`.
func joined(_ outer: String, _ step: String) -> String {
    if outer.isEmpty || step.isEmpty { return outer + step }
    return step.hasPrefix("[") ? outer + step : "\(outer).\(step)"
}

/// A scalar as it is shown in a message: a text in quotes, anything else as it was written.
func printed(_ scalar: Node.Scalar) -> String {
    CoreValue(scalar) == .text ? quoted(scalar.text) : printable(scalar.text.utf8)
}
