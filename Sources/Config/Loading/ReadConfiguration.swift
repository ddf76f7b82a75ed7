import Glibc
import LinuxSystem
public import SystemPackage

/// Reads the main file and `conf.d/*.yaml` beside it, in the order of their names' bytes, and makes a configuration
/// of them.
///
/// The main file must be there: where it is missing, nobody knows what was wanted. `conf.d` need not be. Files whose
/// names begin with a dot are left alone, as editors and package managers expect.
///
/// - Parameters:
///   - profiles: as for ``loadConfiguration(main:fragments:profiles:)``.
///   - proposed: a file of `conf.d` that is not there yet, or stands in the place of the one of its name.
public func readConfiguration(
    at main: FilePath, profiles: Profiles? = nil, with proposed: ConfigurationFile? = nil
) throws(RejectedConfiguration) -> LoadedConfiguration {
    var problems: [Problem] = []
    let mainFile = readFile(main, &problems)
    var fragments: [ConfigurationFile] = []
    let folder = main.removingLastComponent().appending("conf.d")
    var names = fragmentNames(in: folder, &problems)
    if let name = proposed?.path.lastComponent, !names.contains(name) {
        names = inOrder(names + [name])
    }
    for name in names {
        if let proposed, proposed.path.lastComponent == name {
            fragments.append(proposed)
        } else if let file = readFile(folder.appending(name), &problems) {
            fragments.append(file)
        }
    }
    let unreadable = problems.contains { $0.severity == .error }
    guard let mainFile, !unreadable else { throw RejectedConfiguration(problems: problems) }
    do {
        var loaded = try loadConfiguration(main: mainFile, fragments: fragments, profiles: profiles)
        loaded.warnings = problems + loaded.warnings
        return loaded
    } catch {
        throw RejectedConfiguration(problems: problems + error.problems)
    }
}

/// The names of the files that count, in the order of their bytes.
func fragmentNames(in folder: FilePath, _ problems: inout [Problem]) -> [FilePath.Component] {
    let names: [FilePath.Component]
    do {
        names = try folderNames(folder)
    } catch {
        if error.errno != .noSuchFileOrDirectory { problems.append(Problem(.error, file: folder, "\(error)")) }
        return []
    }
    let visible = names.filter { !$0.string.hasPrefix(".") }
    for name in visible where name.extension == "yml" {
        problems.append(
            Problem(.warning, file: folder.appending(name), "this file is not read: its name must end in .yaml"))
    }
    return inOrder(visible.filter { $0.extension == "yaml" })
}

/// The order in which files are laid over one another: that of their names' bytes.
private func inOrder(_ names: [FilePath.Component]) -> [FilePath.Component] {
    names.sorted { FilePath(root: nil, [$0]).bytes.lexicographicallyPrecedes(FilePath(root: nil, [$1]).bytes) }
}

/// The content of a file, or nil with the reason in `problems`. Never more than a little over the size that
/// ``loadConfiguration(main:fragments:profiles:)`` refuses, and never waiting for a FIFO.
///
/// - Parameter owner: who may own the file besides root and this process's user, without a warning.
func readFile(_ path: FilePath, ownedBy owner: UInt32? = nil, _ problems: inout [Problem]) -> ConfigurationFile? {
    func refuse(_ message: String) { problems.append(Problem(.error, file: path, message)) }
    do {
        let descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        return try descriptor.closeAfter {
            var status = stat()
            guard unsafe fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                refuse("this is not a file; a configuration is read from regular files only")
                return nil
            }
            if status.st_mode & S_IWOTH != 0 {
                problems.append(Problem(.warning, file: path, "every user may write to this file: run chmod o-w on it"))
            }
            if status.st_uid != 0 && status.st_uid != geteuid() && status.st_uid != owner {
                let message =
                    "this file belongs to the user \(status.st_uid), who can change it at any time: run chown root on "
                    + "it"
                problems.append(Problem(.warning, file: path, message))
            }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65536)
            while bytes.count <= YAMLTree.largest {
                let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
                if count == 0 { break }
                bytes += buffer[..<count]
            }
            return ConfigurationFile(path: path, bytes: bytes)
        }
    } catch Errno.noSuchFileOrDirectory {
        refuse("there is no such file; create it (an empty one means the defaults), or name another with --config")
    } catch {
        refuse("cannot read it: \(error)")
    }
    return nil
}

/// The names in a folder, in no order.
private func folderNames(_ folder: FilePath) throws(SystemCallError) -> [FilePath.Component] {
    guard let stream = unsafe folder.withPlatformString({ unsafe opendir($0) }) else {
        throw SystemCallError("opendir", "read the folder", printable(folder), errno: Errno(rawValue: errno))
    }
    defer { unsafe closedir(stream) }
    var names: [FilePath.Component] = []
    while true {
        errno = 0
        guard let entry = unsafe readdir(stream) else {
            if errno == 0 { return names }
            throw SystemCallError("readdir", "read the folder", printable(folder), errno: Errno(rawValue: errno))
        }
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
        // "." and ".." are components too, and begin with a dot.
        if let component = FilePath(bytes: name).lastComponent { names.append(component) }
    }
}
