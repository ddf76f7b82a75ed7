import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// A fresh folder under the system's temporary folder, gone again after `body`.
func withScratchFolder<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
    let folder = FilePath("/tmp/nodeguard-journal-\(UInt64.random(in: 0 ... .max))")
    #expect(unsafe folder.withPlatformString { unsafe mkdir($0, 0o755) } == 0)
    defer { #expect(throws: Never.self) { try removeTree(folder) } }
    return try body(folder)
}

/// The names in a folder, in order, as bytes.
func namesIn(_ folder: FilePath) throws -> [[UInt8]] {
    guard let stream = unsafe folder.withPlatformString({ unsafe opendir($0) }) else {
        throw Errno(rawValue: errno)
    }
    defer { unsafe closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
        if name != Array(".".utf8) && name != Array("..".utf8) { names.append(name) }
    }
    return names.sorted { String(decoding: $0, as: UTF8.self) < String(decoding: $1, as: UTF8.self) }
}

func read(_ path: FilePath) throws -> [UInt8] {
    let file = OwnedDescriptor(owning: try FileDescriptor.open(path, .readOnly, options: .closeOnExec))
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe file.descriptor.read(into: $0) }
        if count == 0 { return bytes }
        bytes += buffer[..<count]
    }
}

func write(_ text: String, to path: FilePath) throws {
    let file = OwnedDescriptor(
        owning: try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: FilePermissions(rawValue: 0o644)
        ))
    try file.descriptor.writeAll(Array(text.utf8))
}

/// A file of the repository.
func repositoryFile(_ path: String, from here: StaticString = #filePath) -> FilePath {
    FilePath("\(here)").removingLastComponent().appending("../..").appending(path).lexicallyNormalized()
}
