/// What an unquoted word means by the core schema of YAML 1.2 (chapter 10.3 of its specification), which differs
/// from YAML 1.1: `yes`, `no`, `on`, `off` and `22:22` are texts.
enum CoreValue: Equatable {
    case null
    case boolean(Bool)
    /// A number in decimal digits without leading zeros.
    case integer(Int)
    /// Any other number: a fraction, an exponent, a sign, a leading zero, octal, hexadecimal.
    case otherNumber
    case text

    init(_ scalar: Node.Scalar) {
        if scalar.quoted {
            self = .text
            return
        }
        switch scalar.text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .boolean(true)
        case "false", "False", "FALSE": self = .boolean(false)
        default:
            if let number = scalar.text.wholeNumber {
                self = .integer(number)
            } else {
                self = Self.isNumber(scalar.text) ? .otherNumber : .text
            }
        }
    }

    /// What it is, with an article, for messages.
    var withArticle: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer, .otherNumber: "a number"
        case .text: "a text"
        }
    }

    /// Words that YAML 1.1 takes for a boolean and YAML 1.2 for a text, with what they mean there.
    static let formerBooleans = [
        "yes": true, "y": true, "on": true, "no": false, "n": false, "off": false,
    ]

    /// `[-+]?[0-9]+`, `0o[0-7]+`, `0x[0-9a-fA-F]+`, the decimal fractions and exponents, `.inf` and `.nan`.
    private static func isNumber(_ text: String) -> Bool {
        var rest = Substring(text)
        if rest.hasPrefix("0o") { return has(rest.dropFirst(2)) { ("0"..."7").contains($0) } }
        if rest.hasPrefix("0x") { return has(rest.dropFirst(2), \.isHexDigit) && rest.utf8.allSatisfy { $0 < 128 } }
        if rest.first == "-" || rest.first == "+" { rest = rest.dropFirst() }
        if [".inf", ".Inf", ".INF"].contains(rest) || [".nan", ".NaN", ".NAN"].contains(text) { return true }
        if let exponent = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            var power = rest[rest.index(after: exponent)...]
            if power.first == "-" || power.first == "+" { power = power.dropFirst() }
            guard has(power, isDigit) else { return false }
            rest = rest[..<exponent]
        }
        let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return has(parts[0], isDigit)
        case 2: return parts.contains { !$0.isEmpty } && parts.allSatisfy { $0.allSatisfy(isDigit) }
        default: return false
        }
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }

    private static func has(_ text: Substring, _ test: (Character) -> Bool) -> Bool {
        !text.isEmpty && text.allSatisfy(test)
    }
}
