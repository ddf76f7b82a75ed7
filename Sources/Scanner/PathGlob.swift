/// A pattern for paths, matched as bytes.
///
/// With a slash in it, it is matched with the whole path and everything beneath what it matches; without one, with the
/// name of the entry alone. `*` and `?` stand for anything but a slash, `**` as a whole component for any number
/// of components. A pattern may begin with `**/` to stand anywhere.
public struct PathGlob: Hashable, Sendable {
    /// The pattern as it was written.
    public let pattern: String
    private let components: [Component]
    private let isName: Bool

    private enum Component: Hashable {
        case anyDepth
        case literal([UInt8])
        case wild([UInt8])
    }

    /// A pattern. Nothing is refused: what means nothing special stands for itself.
    public init(_ pattern: String) {
        self.pattern = pattern
        isName = !pattern.utf8.contains(UInt8(ascii: "/"))
        components = pattern.utf8.split(separator: UInt8(ascii: "/")).map { part in
            let bytes = Array(part)
            if bytes == [UInt8(ascii: "*"), UInt8(ascii: "*")] { return .anyDepth }
            let isWild = bytes.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
            return isWild ? .wild(bytes) : .literal(bytes)
        }
    }

    /// Whether the pattern matches the path itself (not merely a folder above it: a walk does not get beneath what
    /// it leaves out).
    public func matches(_ path: some Collection<UInt8>) -> Bool {
        matches(Array(path))
    }

    /// The same without a copy, for who has the bytes in an array already.
    ///
    /// From the last name to the first, because that is where paths differ. What `**` stands for begins as short as
    /// can be and grows only when the rest does not fit; an earlier `**` need never be tried again, so the time is
    /// bounded by the number of names in the path times those in the pattern.
    public func matches(_ path: [UInt8]) -> Bool {
        if isName {
            guard let pattern = components.first, let name = Self.lastName(of: path, before: path.count) else {
                return false
            }
            return Self.matches(pattern, path[name])
        }
        var left = components.count
        var end = path.count
        var grown: (left: Int, end: Int)?
        while true {
            let name = Self.lastName(of: path, before: end)
            if left > 0, components[left - 1] == .anyDepth {
                // A pattern that ends in ** stands for what is beneath, not for the folder itself.
                if left == components.count {
                    guard let name else { return false }
                    end = name.lowerBound
                }
                left -= 1
                if left == 0 { return true }
                grown = (left, end)
            } else if left > 0, let name, Self.matches(components[left - 1], path[name]) {
                left -= 1
                end = name.lowerBound
            } else if left == 0, name == nil {
                return true
            } else {
                guard let last = grown, let skipped = Self.lastName(of: path, before: last.end) else { return false }
                grown = (last.left, skipped.lowerBound)
                left = last.left
                end = skipped.lowerBound
            }
        }
    }

    /// Where the last name of the path's first `end` bytes is; nil where there is none.
    private static func lastName(of path: [UInt8], before end: Int) -> Range<Int>? {
        let slash = UInt8(ascii: "/")
        var end = end
        while end > 0, path[end - 1] == slash { end -= 1 }
        var start = end
        while start > 0, path[start - 1] != slash { start -= 1 }
        return start == end ? nil : start..<end
    }

    /// What of the pattern tells soonest that a path cannot match, for an index over many patterns.
    enum Anchor: Hashable {
        /// The path's last name.
        case name([UInt8])
        /// The name of a folder above it.
        case folder([UInt8])
        /// What stands behind the last dot of its last name.
        case ending([UInt8])
        /// Nothing that could be looked up.
        case none
    }

    /// See ``Anchor``.
    var anchor: Anchor {
        if case .literal(let name) = components.last { return .name(name) }
        for component in components.dropLast().reversed() {
            if case .literal(let folder) = component { return .folder(folder) }
        }
        if case .wild(let pattern) = components.last, let dot = pattern.lastIndex(of: UInt8(ascii: ".")) {
            let ending = pattern[(dot + 1)...]
            if !ending.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }) {
                return .ending(Array(ending))
            }
        }
        return .none
    }

    private static func matches(_ pattern: Component, _ name: ArraySlice<UInt8>) -> Bool {
        switch pattern {
        case .anyDepth: true
        case .literal(let bytes): name.count == bytes.count && name.elementsEqual(bytes)
        case .wild(let bytes): matchesWild(bytes, name)
        }
    }

    /// `*` and `?` within one name; the last star is tried again one byte further, so the time is bounded by the
    /// product of the two lengths.
    private static func matchesWild(_ pattern: [UInt8], _ name: ArraySlice<UInt8>) -> Bool {
        var p = 0
        var n = name.startIndex
        var star: (pattern: Int, name: Int)?
        while n < name.endIndex {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p + 1, n)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
                p += 1
                n += 1
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                p = last.pattern
                n = last.name + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
