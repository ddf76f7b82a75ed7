internal import LinuxSystem

/// Writes YAML with a comment for each line that says what was seen.
struct ProposalText {
    private(set) var text = ""
    private static let width = 118

    /// Lines of comment alone.
    mutating func remark(_ words: String, indent: Int = 0) {
        text += Self.wrapped(words, indent: indent)
    }

    /// A line of YAML: the comment stands behind it where there is room, else above it.
    mutating func line(_ indent: Int, _ yaml: String, _ comment: String) {
        let start = String(repeating: " ", count: indent) + yaml
        let padding = String(repeating: " ", count: max(2, 44 - start.unicodeScalars.count))
        let whole = start + padding + "# " + Self.safe(comment)
        if whole.unicodeScalars.count <= Self.width {
            text += whole + "\n"
        } else {
            // A comment above the first key of an item would belong to the item before it; it still reads well.
            text += Self.wrapped(comment, indent: indent) + start + "\n"
        }
    }

    mutating func space() { text += "\n" }

    private static func wrapped(_ words: String, indent: Int) -> String {
        let start = String(repeating: " ", count: indent) + "#"
        var lines = ""
        var line = start
        for word in safe(words).split(separator: " ") {
            if line.unicodeScalars.count + word.unicodeScalars.count + 1 > width && line != start {
                lines += line + "\n"
                line = start
            }
            line += " " + word
        }
        return lines + line + "\n"
    }

    /// What comes from the host must not end the comment.
    private static func safe(_ words: String) -> String { printable(words.utf8) }
}
