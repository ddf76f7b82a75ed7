import SystemPackage

/// A file's tree, as far as it could be read, and what was wrong with it.
struct YAMLTree {
    /// nil where the syntax is wrong, so that it is not known what the file says.
    let root: Node?
    let problems: [Problem]

    /// Mappings and lists may lie this deep in each other: more than any configuration needs.
    static let deepest = 16
    /// The size from which on a file is not even looked at, in bytes.
    static let largest = 256 * 1024
    /// After so many errors of one file the rest is left out: it is not a configuration.
    static let mostProblems = 100

    init(of file: ConfigurationFile) {
        guard file.bytes.count <= Self.largest else {
            let message = "the file is larger than \(Self.largest / 1024) KiB: it can't be a configuration"
            root = nil
            problems = [Problem(.error, file: file.path, message)]
            return
        }
        if let unreadable = firstUnreadable(in: file.bytes) {
            let place = Place(file: file.path, line: unreadable.line, column: unreadable.column)
            root = nil
            problems = [Problem(.error, place, key: "", unreadable.why)]
            return
        }
        var builder = TreeBuilder(file: file.path)
        let error = readYAML(file.bytes) { builder.take($0, $1) }
        if let error {
            let place = Place(file: file.path, line: error.mark.line, column: error.mark.column)
            builder.problems.append(Problem(.error, place, key: builder.path, advice(on: error, in: file.bytes)))
        }
        // An empty file is an empty mapping, and so is one of comments only.
        let start = Origin.file(Place(file: file.path, line: 1, column: 1))
        root = error == nil && !builder.stopped ? builder.root ?? Node(.mapping([]), start) : nil
        problems = builder.problems
    }
}

/// libyaml's error in words that say what to do.
private func advice(on error: YAMLSyntaxError, in bytes: [UInt8]) -> String {
    let line = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).dropFirst(error.mark.line - 1).first ?? []
    let character = String(decoding: line, as: UTF8.self).unicodeScalars.dropFirst(error.mark.column - 1).first
    let context = error.context.isEmpty ? "" : " \(error.context)"
    switch (error.problem, error.context, character) {
    case (_, _, "\t"): return "a tab: YAML is indented with spaces; replace it"
    case (_, "while scanning an alias", _):
        return "a value that begins with * must be in quotes, as in \"*/5 * * * *\""
    case (_, "while scanning an anchor", _): return "a value that begins with & must be in quotes"
    case ("found character that cannot start any token", _, let character?):
        return "a value that begins with \(character) must be in quotes"
    case ("mapping values are not allowed in this context", _, _):
        return
            "a colon in a place where none can be: put a value that contains \": \" in quotes, and begin the keys of "
            + "one mapping in the same column; or the line above lacks its colon"
    case ("could not find expected ':'", _, _): return "a key without a colon behind it"
    case ("did not find expected key", _, _), ("did not find expected '-' indicator", _, _):
        return
            "the indentation fits no line above\(context.isEmpty ? "" : " (\(error.context))"): begin the keys or "
            + "items that belong together in the same column"
    case (_, let context, _) where context.hasPrefix("while parsing a flow"):
        return "a list in [ ] or a mapping in { } ends too soon or not at all (\(error.problem))"
    default: return "this is not YAML: \(error.problem)\(context)"
    }
}

/// Puts the events of a file together to a tree, and refuses what has no place in a configuration.
private struct TreeBuilder {
    let file: FilePath
    var problems: [Problem] = []
    private(set) var root: Node?
    /// Whether reading was given up, so that the tree is not what the file says.
    private(set) var stopped = false
    private var documents = 0
    private var stack: [Frame] = []

    init(file: FilePath) { self.file = file }

    private struct Frame {
        let origin: Origin
        let isMapping: Bool
        var items: [Node] = []
        var entries: [Node.Entry] = []
        var firstLines: [String: Int] = [:]
        /// The key whose value comes next.
        var key: (text: String, origin: Origin, use: KeyUse)?
    }

    private enum KeyUse {
        case ordinary
        /// Its value is read and forgotten: the key has its error.
        case refused
    }

    /// The path of the key that is being read.
    var path: String {
        stack.reduce("") { path, frame in
            let step = frame.isMapping ? frame.key.map { shownKey($0.text) } ?? "" : "[\(frame.items.count)]"
            return joined(path, step)
        }
    }

    /// Takes the next event; false: enough was seen.
    mutating func take(_ event: YAMLEvent, _ mark: YAMLMark) -> Bool {
        let place = Place(file: file, line: mark.line, column: mark.column)
        switch event {
        case .documentStart:
            documents += 1
            if documents > 1 { stop(place, "a second document (---): a configuration file has one; remove it") }
        case .alias:
            fail(place, "aliases are not supported: write the value out, or put it in quotes if its * belongs to it")
            add(Node(.refused, .file(place)))
        case .scalar(let scalar, let properties):
            refuse(properties, place)
            add(Node(.scalar(scalar), .file(place)))
        case .listStart(let properties): open(Frame(origin: .file(place), isMapping: false), properties, place)
        case .mappingStart(let properties): open(Frame(origin: .file(place), isMapping: true), properties, place)
        case .listEnd, .mappingEnd:
            guard let frame = stack.popLast() else { break }
            add(Node(frame.isMapping ? .mapping(frame.entries) : .list(frame.items), frame.origin))
        case .boundary: break
        }
        if problems.count >= YAMLTree.mostProblems { stop(place, "there are more errors, which are left out") }
        return !stopped
    }

    private mutating func open(_ frame: Frame, _ properties: YAMLProperties, _ place: Place) {
        refuse(properties, place)
        stack.append(frame)
        if stack.count > YAMLTree.deepest { stop(place, "this lies more than \(YAMLTree.deepest) levels deep") }
    }

    private mutating func refuse(_ properties: YAMLProperties, _ place: Place) {
        if properties.hasAnchor { fail(place, "anchors are not supported: remove the word that begins with &") }
        if properties.hasTag { fail(place, "tags are not supported: remove the word that begins with !") }
    }

    private mutating func add(_ node: Node) {
        guard var frame = stack.popLast() else {
            root = node
            return
        }
        defer { stack.append(frame) }
        guard frame.isMapping else {
            frame.items.append(node)
            return
        }
        if let key = frame.key {
            frame.key = nil
            if key.use == .ordinary {
                frame.entries.append(.init(key: key.text, keyOrigin: key.origin, value: node))
            }
            return
        }
        frame.key = ("", node.origin, .refused)
        guard let place = node.origin.place else { return }
        let outer = path
        func refuse(_ key: String, _ message: String) {
            problems.append(Problem(.error, place, key: joined(outer, key), message))
        }
        switch node.content {
        case .scalar(let scalar) where scalar.text == "<<" && !scalar.quoted:
            refuse("<<", "merging mappings with << is not supported: write the keys out")
        case .scalar(let scalar):
            if let line = frame.firstLines[scalar.text] {
                refuse(shownKey(scalar.text), "duplicate key, first on line \(line); remove one of them")
            } else {
                frame.firstLines[scalar.text] = place.line
                frame.key = (scalar.text, node.origin, .ordinary)
            }
        case .list, .mapping: refuse("", "a key must be a word, not a list or a mapping")
        case .refused: break
        }
    }

    private mutating func fail(_ place: Place, _ message: String) {
        problems.append(Problem(.error, place, key: path, message))
    }

    private mutating func stop(_ place: Place, _ message: String) {
        if !stopped { fail(place, message) }
        stopped = true
    }
}
