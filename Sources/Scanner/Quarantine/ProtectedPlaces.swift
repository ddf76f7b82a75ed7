internal import LinuxSystem
internal import SystemPackage

/// What is never taken away, whatever is found in it: keys, chain data, and everything in the validators' folders.
///
/// Folders are known by their path and by where it leads to in its file system: the same folder under the path of a bind
/// mount is protected too.
public struct ProtectedPlaces: Sendable {
    private let files: ValidatorFileMatcher
    private let folders: [[UInt8]]
    private let places: [MountedPlace]

    /// What the patterns and folders say. A folder that is not there protects nothing but its path.
    ///
    /// - Throws: `SystemCallError` where the kernel does not say where one is.
    public init(_ files: ValidatorFiles) throws {
        self.files = ValidatorFileMatcher(files)
        folders = files.folders.map(\.bytes)
        places = try files.folders.compactMap { folder in
            let opened: OwnedDescriptor
            do throws(Errno) {
                opened = try Opening.start(onHost: folder)
            } catch .noSuchFileOrDirectory {
                return nil
            } catch {
                throw SystemCallError("openat2", "find the validators' folder", printable(folder), errno: error)
            }
            return try MountedPlace.of(opened)
        }
    }

    /// Why a file at this path, which is in that place, stays where it is; nil: it need not.
    func refusal(_ path: [UInt8], _ place: MountedPlace) -> QuarantineRefusal? {
        switch files(path) {
        case .key: return QuarantineRefusal("a key file is never taken away")
        case .chainData: return QuarantineRefusal("chain data is never taken away")
        case nil: break
        }
        if ChainFolders.contain(path) { return QuarantineRefusal("chain data is never taken away") }
        guard folders.contains(where: path.isAtOrBeneath) || places.contains(where: place.isAtOrBeneath) else {
            return nil
        }
        return QuarantineRefusal("a validator's file is never taken away")
    }
}
