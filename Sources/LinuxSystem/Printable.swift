public import SystemPackage

/// Bytes made safe to print: valid UTF-8 without control characters stays as it is, anything else becomes
/// `\n`, `\t`, `\\` or `\xHH`, so that a file's name can neither forge a line nor steer a terminal.
///
/// The backslash itself is escaped, so two different names never print alike.
public func printable(_ bytes: some Sequence<UInt8>) -> String {
    let all = Array(bytes)
    var out = ""
    out.reserveCapacity(all.count)
    var rest = all[...]
    while !rest.isEmpty {
        guard let (scalar, length) = leadingScalar(rest) else {
            out += hex(rest.removeFirst())
            continue
        }
        switch scalar {
        case "\\": out += "\\\\"
        case "\n": out += "\\n"
        case "\t": out += "\\t"
        case "\r": out += "\\r"
        default:
            if isUnsafeOnTerminal(scalar) {
                for byte in rest.prefix(length) { out += hex(byte) }
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        rest.removeFirst(length)
    }
    return out
}

/// A path made safe to print, see ``printable(_:)-5kq0z``.
public func printable(_ path: FilePath) -> String {
    printable(path.bytes)
}

extension FilePath {
    /// The bytes of the path, without the final NUL. A path on Linux is bytes, not text.
    public var bytes: [UInt8] {
        unsafe withPlatformString { start in
            unsafe UnsafeBufferPointer(start: start, count: length).map(UInt8.init(bitPattern:))
        }
    }

    /// A path from bytes that may not be UTF-8. Bytes from the first NUL on are left out, as the kernel would.
    public init(bytes: some Sequence<UInt8>) {
        let terminated = bytes.prefix { $0 != 0 }.map(CChar.init(bitPattern:)) + [0]
        self = unsafe terminated.withUnsafeBufferPointer { unsafe FilePath(platformString: $0.baseAddress!) }
    }
}

/// C0 and C1 controls, DEL, and the bidirectional and invisible formatting characters that reorder a line.
private func isUnsafeOnTerminal(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: true
    default: false
    }
}

private func hex(_ byte: UInt8) -> String {
    let digits = Array("0123456789abcdef")
    return "\\x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
}

/// The first scalar of `bytes` and its length in bytes, or nil where they are not valid UTF-8.
private func leadingScalar(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
    var iterator = bytes.prefix(4).makeIterator()
    var decoder = UTF8()
    guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
    return (scalar, UTF8.width(scalar))
}
