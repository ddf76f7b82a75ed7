import LinuxSystem

/// The name that was probably meant by `given`, or nil where none is near enough.
///
/// Near is at most one slip (a letter wrong, missing, too many, or two swapped) for every three letters; how words
/// are joined and whether letters are large does not count.
func nearest(to given: String, among names: [String]) -> String? {
    // Nobody misspells a name of a kilobyte.
    guard given.utf8.count <= 64 else { return nil }
    let wanted = bareLetters(given)
    let ranked = names.map { (name: $0, slips: slips(wanted, bareLetters($0)), length: bareLetters($0).count) }
        .filter { $0.slips <= max(1, $0.length / 3) && $0.slips < max(wanted.count, $0.length) }
    return ranked.min { ($0.slips, $0.name) < ($1.slips, $1.name) }?.name
}

/// A key from a file as it is shown in a message.
func shownKey(_ key: String) -> String {
    let shown = key.unicodeScalars.prefix(60)
    return printable(String(shown).utf8) + (shown.endIndex == key.unicodeScalars.endIndex ? "" : "…")
}

private func bareLetters(_ name: String) -> [Character] {
    name.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " }
}

/// The distance of Damerau and Levenshtein, where only neighbours swap.
private func slips(_ left: [Character], _ right: [Character]) -> Int {
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in 1...left.count {
        var current = [row]
        for column in 1...right.count {
            let same = left[row - 1] == right[column - 1]
            var best = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1))
            if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                best = min(best, beforeLast[column - 2] + 1)
            }
            current.append(best)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
