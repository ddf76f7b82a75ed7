/// A description of an interface that cannot be used.
public struct VarlinkDescriptionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, and in which line.
    public let description: String
}

/// What the text of a description says, as far as a server has to know. The whole grammar is checked
/// (https://varlink.org/Interface-Definition), types that are named but not defined are not.
struct InterfaceDescription {
    private(set) var name = ""
    /// Each method's name and the names of its parameters.
    private(set) var methods: [String: Set<String>] = [:]
    /// The names of its errors.
    private(set) var errors: Set<String> = []

    private var tokens: ArraySlice<Token>

    init(_ text: String) throws(VarlinkDescriptionError) {
        tokens = try Token.all(of: text)[...]
        try expect("interface")
        name = try word()
        guard name.utf8.contains(UInt8(ascii: ".")) else {
            throw wrong("an interface's name has a dot, \(name) has none")
        }
        while !tokens.isEmpty { try member() }
    }

    private mutating func member() throws(VarlinkDescriptionError) {
        let kind = try word()
        let name = try word()
        guard name.utf8.first.map({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) == true else {
            throw wrong("\(name) does not begin with a capital letter")
        }
        switch kind {
        case "type":
            try fields()
        case "error":
            try fields()
            guard errors.insert(name).inserted else { throw wrong("there are two errors \(name)") }
        case "method":
            let parameters = try fields()
            try expect("->")
            try fields()
            guard methods.updateValue(parameters, forKey: name) == nil else {
                throw wrong("there are two methods \(name)")
            }
        default:
            throw wrong("\(kind) is neither type, method nor error")
        }
    }

    /// A structure or an enumeration in parentheses; gives back the names in it.
    @discardableResult
    private mutating func fields() throws(VarlinkDescriptionError) -> Set<String> {
        try expect("(")
        var names: Set<String> = []
        if take(")") { return names }
        repeat {
            let name = try word()
            guard names.insert(name).inserted else { throw wrong("there are two \(name)") }
            if take(":") { try type() }
        } while take(",")
        try expect(")")
        return names
    }

    private mutating func type() throws(VarlinkDescriptionError) {
        while take("?") || take("[]") || take("[string]") {}
        if tokens.first?.text == "(" { try fields() } else { _ = try word() }
    }

    private mutating func take(_ text: String) -> Bool {
        guard tokens.first?.text == text else { return false }
        tokens.removeFirst()
        return true
    }

    private mutating func expect(_ text: String) throws(VarlinkDescriptionError) {
        guard take(text) else { throw wrong("\(text) is expected, not \(tokens.first?.text ?? "the end")") }
    }

    private mutating func word() throws(VarlinkDescriptionError) -> String {
        guard let token = tokens.first, token.isWord else {
            throw wrong("a name is expected, not \(tokens.first?.text ?? "the end")")
        }
        tokens.removeFirst()
        return token.text
    }

    private func wrong(_ what: String) -> VarlinkDescriptionError {
        let place = tokens.first.map { "line \($0.line)" } ?? "the end"
        return VarlinkDescriptionError(description: "the description of the interface \(name), at \(place): \(what)")
    }
}

private struct Token {
    let text: String
    let line: Int
    let isWord: Bool

    static func all(of text: String) throws(VarlinkDescriptionError) -> [Token] {
        var tokens: [Token] = []
        for (number, wholeLine) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var rest = wholeLine.prefix { $0 != "#" }
            while let first = rest.first {
                if first.isWhitespace {
                    rest.removeFirst()
                    continue
                }
                var token = rest.prefix {
                    $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_" || $0 == "-")
                }
                // `->` begins as a name may go on.
                if first == "-" { token = "" }
                let isWord = !token.isEmpty
                if !isWord {
                    guard
                        let sign = ["->", "[]", "[string]", "(", ")", ",", ":", "?"].first(where: { rest.hasPrefix($0) }
                        )
                    else {
                        throw VarlinkDescriptionError(
                            description:
                                "the description of an interface, at line \(number + 1): \(first) is not expected")
                    }
                    token = rest.prefix(sign.count)
                }
                tokens.append(Token(text: String(token), line: number + 1, isWord: isWord))
                rest.removeFirst(token.count)
            }
        }
        return tokens
    }
}
