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
        let parts = path.split(separator: UInt8(ascii: "/"))
        if isName {
            guard let pattern = components.first, let name = parts.last else { return false }
            return Self.matches(pattern, name)
        }
        return Self.matches(components[...], parts[...])
    }

    private static func matches<Part: Collection<UInt8>>(
        _ pattern: ArraySlice<Component>, _ parts: ArraySlice<Part>
    ) -> Bool {
        guard let first = pattern.first else { return parts.isEmpty }
        if first == .anyDepth {
            // A pattern that ends in ** stands for what is beneath, not for the folder itself.
            if pattern.count == 1 { return !parts.isEmpty }
            return parts.indices.contains { matches(pattern.dropFirst(), parts[$0...]) }
        }
        guard let name = parts.first, matches(first, name) else { return false }
        return matches(pattern.dropFirst(), parts.dropFirst())
    }

    private static func matches(_ pattern: Component, _ name: some Collection<UInt8>) -> Bool {
        switch pattern {
        case .anyDepth: true
        case .literal(let bytes): name.elementsEqual(bytes)
        case .wild(let bytes): matchesWild(bytes, Array(name))
        }
    }

    /// `*` and `?` within one name; the last star is tried again one byte further, so the time is bounded by the
    /// product of the two lengths.
    private static func matchesWild(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var p = 0
        var n = 0
        var star: (pattern: Int, name: Int)?
        while n < name.count {
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
