internal import LinuxSystem

/// Names in the order they came, taken from the end: their bytes one behind the other, because a folder can have a
/// million.
struct NameStack {
    private var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }
    /// Bytes that the names take.
    var size: Int { bytes.count }

    mutating func append(_ name: FileName) {
        bytes.append(contentsOf: name.bytes)
        bytes.append(0)
    }

    mutating func popLast() -> FileName? {
        guard !bytes.isEmpty else { return nil }
        bytes.removeLast()
        let start = bytes.lastIndex(of: 0).map { $0 + 1 } ?? 0
        defer { bytes.removeSubrange(start...) }
        return FileName(bytes[start...])
    }
}
