public import Config
internal import Glibc
public import LinuxSystem
public import SystemPackage

/// The last configuration that was right, kept in the state folder: the agent begins with it where the one in /etc is
/// not, and so does the early closing of the gate.
///
/// It is the files as they were read, in `last-good/`: `nodeguard.yaml`, `conf.d/`, and the profiles in `profiles/`.
public struct LastGoodConfiguration: Sendable {
    private let folder: FilePath
    /// Where it is while another is put in its place.
    private let former: FilePath
    private let unfinished: FilePath

    /// - Parameter state: `paths.state`.
    public init(state: FilePath) {
        folder = state.appending("last-good")
        former = state.appending("last-good.former")
        unfinished = state.appending("last-good.new")
    }

    /// Keeps a configuration in place of the one before. After a power cut there is the old one or the new one.
    public func save(_ loaded: LoadedConfiguration) throws(SystemCallError) {
        // What is there already need not be written again at each start.
        if let kept = try? load(), kept.contents.map(\.bytes) == loaded.contents.map(\.bytes),
            kept.contents.map(\.path.lastComponent).dropFirst()
                == loaded.contents.map(\.path.lastComponent).dropFirst(),
            kept.profiles.files.map(\.bytes) == loaded.profiles.files.map(\.bytes)
        {
            return
        }
        try removeTree(unfinished)
        let fragments = unfinished.appending("conf.d")
        let profiles = unfinished.appending("profiles")
        for made in [unfinished, fragments, profiles] { try makeFolder(made, permissions: [.ownerReadWriteExecute]) }
        // Each file and its folder are on the disk when replaceFile returns.
        for (place, file) in loaded.contents.enumerated() {
            try write(file, to: place == 0 ? unfinished.appending("nodeguard.yaml") : named(file, in: fragments))
        }
        for file in loaded.profiles.files { try write(file, to: named(file, in: profiles)) }
        try removeTree(former)
        if exists(folder) { try move(folder, to: former) }
        try move(unfinished, to: folder)
        try? removeTree(former)
    }

    /// The configuration that was kept; nil where none ever was.
    ///
    /// - Throws: what is wrong with what is there, be it that it cannot be read.
    public func load() throws(RejectedConfiguration) -> LoadedConfiguration? {
        // Between two renames only the former is there.
        for kept in [folder, former] {
            do {
                _ = try Opening.start(at: kept)
            } catch .noSuchFileOrDirectory {
                continue
            } catch {
                throw RejectedConfiguration(
                    problems: [Problem(.error, file: kept, "cannot read the last good configuration: \(error)")])
            }
            return try readConfiguration(
                at: kept.appending("nodeguard.yaml"), profiles: readProfiles(in: [kept.appending("profiles")]))
        }
        return nil
    }

    private func move(_ from: FilePath, to: FilePath) throws(SystemCallError) {
        let moved = unsafe from.withPlatformString { from in
            unsafe to.withPlatformString { unsafe rename(from, $0) }
        }
        guard moved == 0 else { throw SystemCallError("rename", "put in place", printable(to), errno: .current) }
        do {
            try FolderEntries.synchronise(Opening.folder(at: to.removingLastComponent()))
        } catch {
            throw SystemCallError("fsync", "make permanent", printable(to), errno: error)
        }
    }

    private func write(_ file: ConfigurationFile, to path: FilePath) throws(SystemCallError) {
        try replaceFile(at: path, with: file.bytes, permissions: [.ownerReadWrite])
    }

    private func named(_ file: ConfigurationFile, in folder: FilePath) -> FilePath {
        file.path.lastComponent.map { folder.appending($0) } ?? folder
    }
}
