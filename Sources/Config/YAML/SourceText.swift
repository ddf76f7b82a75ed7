import LinuxSystem

/// Where a text that cannot be read goes wrong: line and column from 1, and why.
struct UnreadableText: Equatable {
    let line: Int
    let column: Int
    let why: String
}

/// Finds the first byte that has no business in a configuration file.
///
/// libyaml would refuse most of these too, but tells an offset only; and it takes U+0085, U+2028, U+2029 and a lone
/// carriage return for the end of a line, which editors don't: what looks like a part of a comment would be read.
func firstUnreadable(in bytes: [UInt8]) -> UnreadableText? {
    var line = 1
    var column = 1
    var rest = bytes[...]
    while let first = rest.first {
        if (0x20..<0x7f).contains(first) {
            rest = rest.dropFirst()
            column += 1
            continue
        }
        var iterator = rest.prefix(4).makeIterator()
        var decoder = UTF8()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else {
            return UnreadableText(
                line: line, column: column,
                why: "the byte 0x\(String(first, radix: 16)) is not UTF-8; save the file as UTF-8")
        }
        rest = rest.dropFirst(UTF8.width(scalar))
        switch scalar.value {
        case 0x0a:
            line += 1
            column = 0
        case 0x09: break
        case 0x0d:
            guard rest.first == 0x0a else {
                return UnreadableText(
                    line: line, column: column, why: "a carriage return without a line feed; end lines with a line feed"
                )
            }
        case 0:
            return UnreadableText(line: line, column: column, why: "a NUL byte; this is no text file")
        case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0xfffe, 0xffff:
            let code = String(scalar.value, radix: 16, uppercase: true)
            let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
            return UnreadableText(line: line, column: column, why: "the control character U+\(padded); remove it")
        case 0xfeff where line > 1 || column > 1:
            return UnreadableText(line: line, column: column, why: "a byte order mark inside the file; remove it")
        default: break
        }
        column += 1
    }
    return nil
}
