import ArgumentParser
import Glibc
import LinuxSystem
import SystemPackage

/// A path from the command line, with exactly the bytes that were typed.
///
/// Swift's own `CommandLine.arguments` repairs what is not UTF-8, and a repaired name is another file. So every such
/// byte goes through the parser as a character of a private plane and comes out as the byte that it was.
struct PathArgument: ExpressibleByArgument {
    let path: FilePath

    /// The first of the 256 characters that stand for bytes; the last ones of Unicode's last private plane.
    private static let plane: UInt32 = 0x10_FE00

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        var bytes: [UInt8] = []
        for scalar in argument.unicodeScalars {
            if scalar.value >= Self.plane, scalar.value < Self.plane + 256 {
                bytes.append(UInt8(scalar.value - Self.plane))
            } else {
                bytes += UTF8.encode(scalar)!
            }
        }
        path = FilePath(bytes: bytes)
    }

    /// The path from the root on, as the journal and the findings must have it. `.` is left out, `..` is not: what it
    /// means, only the kernel knows.
    func absolute() throws -> FilePath {
        let whole = path.isAbsolute ? path : try readLink("/proc/self/cwd").pushing(path)
        return whole.bytes.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual([UInt8(ascii: ".")]) }
            .reduce(into: FilePath("/")) { $0 = FilePath(bytes: $0.bytes + [UInt8(ascii: "/")] + $1) }
    }

    /// What was typed behind the program's name.
    static func commandLine() -> [String] {
        (1..<max(1, Int(CommandLine.argc))).map { index in
            guard let argument = unsafe CommandLine.unsafeArgv[index] else { return "" }
            if let valid = unsafe String(validatingCString: argument) { return valid }
            let bytes = unsafe UnsafeBufferPointer(start: argument, count: strlen(argument)).map(
                UInt8.init(bitPattern:))
            return bytes.reduce(into: "") { text, byte in
                text.unicodeScalars.append(byte < 0x80 ? Unicode.Scalar(byte) : Unicode.Scalar(plane + UInt32(byte))!)
            }
        }
    }
}
