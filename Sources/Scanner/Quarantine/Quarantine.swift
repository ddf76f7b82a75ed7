internal import Glibc
public import Journal
internal import LinuxSystem
public import SystemPackage

/// The files that were set aside: `quarantine` in the state folder, a folder for each with its content, encoded, and its
/// manifest. For root alone.
///
/// A folder's name tells how far it is. `.new-ID` is being filled, or being removed; `.set-ID` is complete and on the
/// disk, and the original is being taken away; `ID` is what a person sees. So at any moment the original is in its place
/// or a complete copy is here, and ``recover()`` finishes what was killed in between.
public final class Quarantine {
    /// Where it is.
    public let path: FilePath
    let folder: OwnedDescriptor
    /// Told before each step, so that a test can do what others might do in that moment.
    var willDo: (Step) throws -> Void = { _ in }

    /// The steps of setting a file aside.
    public enum Step: String, CaseIterable, Sendable {
        case makeFolder, copyPiece, writeManifest, complete, moveOriginal, removeOriginal, tell, confirm
    }

    /// A file in the quarantine.
    public struct Entry: Sendable {
        /// Its name.
        public let id: ShortID
        /// What is known of it.
        public let manifest: Result<QuarantineManifest, MalformedManifest>
    }

    static let content = FileName("content".utf8)!
    static let manifest = FileName("manifest.json".utf8)!

    /// Opens the quarantine of a state folder, and makes it where it is missing.
    ///
    /// - Throws: ``SystemCallError`` where it cannot be opened; ``UnsafeQuarantine`` where others could change it.
    public init(state: FilePath) throws {
        path = state.appending("quarantine")
        folder = try Self.open(state, path)
    }

    private static func open(_ state: FilePath, _ path: FilePath) throws -> OwnedDescriptor {
        let name = FileName("quarantine".utf8)!
        do {
            let parent = try Opening.readable(Opening.start(at: state))
            if (try? FileStatus.of(name, in: parent)) == nil { try FolderEntries.makeFolder(name, in: parent) }
            let folder = try Opening.folder(name, in: parent)
            let status = try FileStatus.of(folder)
            guard status.user == geteuid(), status.permissions & 0o077 == 0 else { throw UnsafeQuarantine(path: path) }
            return folder
        } catch let error as Errno {
            throw SystemCallError("openat2", "open the quarantine", printable(path), errno: error)
        }
    }

    /// What is done before each step of setting aside; for tests and for the probe that is killed at one of them.
    public func before(_ willDo: @escaping (Step) throws -> Void) { self.willDo = willDo }

    // MARK: Looking

    /// What is in it, sorted by name.
    public func entries() throws -> [Entry] {
        var entries: [Entry] = []
        for name in try names() {
            guard let id = ShortID(String(decoding: name.bytes, as: UTF8.self)) else { continue }
            let entry: OwnedDescriptor
            do throws(Errno) {
                entry = try Opening.folder(name, in: folder)
            } catch .noSuchFileOrDirectory {
                continue
            } catch {
                entries.append(Entry(id: id, manifest: .failure(MalformedManifest(description: "\(error)"))))
                continue
            }
            entries.append(Entry(id: id, manifest: readManifest(entry)))
        }
        return entries.sorted { $0.id < $1.id }
    }

    func names() throws -> [FileName] {
        // From the beginning: the descriptor has been read to its end before.
        let listing = try Opening.readable(folder)
        var reader = FolderReader()
        var names: [FileName] = []
        do throws(Errno) {
            while let entry = try reader.next(of: listing) { names.append(entry.name) }
        } catch {
            throw SystemCallError("getdents64", "read", printable(path), errno: error)
        }
        return names
    }

    /// The entry's folder, locked; nil where somebody else is at it, or it is gone.
    func lockedEntry(_ name: FileName) throws -> OwnedDescriptor? {
        guard let entry = try? Opening.folder(name, in: folder), try FolderEntries.lock(entry) else { return nil }
        guard (try? FileStatus.of(name, in: folder)) != nil else { return nil }
        return entry
    }

    func readManifest(
        _ entry: borrowing OwnedDescriptor
    ) -> Result<QuarantineManifest, MalformedManifest> {
        do {
            let file = try Opening.file(Self.manifest, in: entry)
            guard try FileStatus.of(file).size <= UInt64(QuarantineManifest.largest) else {
                throw MalformedManifest(description: "it is too large")
            }
            return .success(try QuarantineManifest(readToEnd(file.descriptor)))
        } catch let error as MalformedManifest {
            return .failure(error)
        } catch {
            return .failure(MalformedManifest(description: "it cannot be read: \(error)"))
        }
    }
}

/// The names of one entry on its way.
struct QuarantineNames {
    static let newPrefix = ".new-"
    static let setPrefix = ".set-"

    let newText: String
    let new: FileName
    let set: FileName
    let final: FileName
    /// What the original is called, in its own folder, between being renamed and being removed.
    let original: FileName

    init(_ id: ShortID) {
        newText = Self.newPrefix + id.description
        new = FileName(newText.utf8)!
        set = FileName((Self.setPrefix + id.description).utf8)!
        final = FileName(id.description.utf8)!
        original = FileName(".nodeguard-quarantine-\(id)".utf8)!
    }
}

/// The quarantine's folder could be changed by others than its owner.
public struct UnsafeQuarantine: Error, Equatable, CustomStringConvertible {
    let path: FilePath

    /// One sentence with the fix.
    public var description: String {
        "\(printable(path)) must belong to this user and be closed to all others: chown it, and chmod 700"
    }
}
