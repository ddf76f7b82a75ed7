import Glibc
public import SystemPackage

/// A fresh folder under the system's temporary folder, removed with everything in it when the last reference goes.
public final class TemporaryFolder: Sendable {
    /// Its path.
    public let path: FilePath

    /// Makes the folder, mode 0700.
    public init() throws {
        let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/nodeguard-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw ProgramFailure(description: "mkdtemp in \(base): \(Errno(rawValue: errno))")
        }
        path = FilePath(platformString: template)
    }

    deinit {
        _ = try? runProgram(["/bin/rm", "-rf", "--", path.string])
    }

    /// Writes a file, and the folders on the way to it. The name is relative to the folder.
    @discardableResult
    public func write(
        _ name: String, _ text: String, permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
    ) throws -> FilePath {
        let file = path.pushing(FilePath(name))
        var folder = path
        for component in FilePath(name).removingLastComponent().components {
            folder.append(component)
            let made = unsafe folder.withPlatformString { unsafe mkdir($0, 0o755) }
            guard made == 0 || errno == EEXIST else {
                throw ProgramFailure(description: "mkdir \(folder): \(Errno(rawValue: errno))")
            }
        }
        let descriptor = try FileDescriptor.open(
            file, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: permissions)
        try descriptor.closeAfter { _ = try descriptor.writeAll(text.utf8) }
        // The process's umask has had its say in open(2).
        guard unsafe file.withPlatformString({ unsafe chmod($0, permissions.rawValue) }) == 0 else {
            throw ProgramFailure(description: "chmod \(file): \(Errno(rawValue: errno))")
        }
        return file
    }
}
