internal import CLinux
internal import Glibc
internal import LinuxSystem
public import SystemPackage

/// landlock(7): what of the file system can be opened at all. The fear: a worker that reads a validator's keys, or writes
/// where somebody executes. Descriptors that are open already stay usable: the file that is scanned came as one.
public struct Landlock: Sendable {
    /// The version of the interface that the kernel speaks, 1 or more.
    private let version: Int32

    /// Rights of <linux/landlock.h>, by the version that brought them.
    private enum Right {
        static let writeFile: UInt64 = 1 << 1
        static let readFile: UInt64 = 1 << 2
        static let readFolder: UInt64 = 1 << 3
        static let removeFolder: UInt64 = 1 << 4
        static let removeFile: UInt64 = 1 << 5
        static let makeFolder: UInt64 = 1 << 7
        static let makeFile: UInt64 = 1 << 8
        /// Version 3.
        static let truncate: UInt64 = 1 << 14
    }

    /// The kernel's Landlock; nil where it has none, or was told at boot to leave it off.
    public static func supported() -> Landlock? {
        let version = nodeguard_landlock_version()
        return version >= 1 ? Landlock(version: version) : nil
    }

    /// From now on, for this process and its children, only these folders can be opened. One that is not there cannot be
    /// reached either way. Inside an earlier ruleset both hold.
    public func enter(reading: [FilePath], writing: [FilePath]) throws(ConfinementError) {
        var rules = nodeguard_landlock_rules()
        rules.files = handled
        // Version 4: no TCP port can be bound or connected to. Version 6: no signal to a process outside, no abstract
        // Unix socket of one.
        rules.network = version >= 4 ? 0b11 : 0
        rules.scopes = version >= 6 ? 0b11 : 0
        // An older kernel refuses fields that it does not know.
        let size = version >= 6 ? 24 : version >= 4 ? 16 : 8
        let descriptor = unsafe nodeguard_landlock_create(&rules, size)
        guard descriptor >= 0 else { throw ConfinementError("landlock_create_ruleset", "use Landlock") }
        let ruleset = OwnedDescriptor(owning: FileDescriptor(rawValue: descriptor))
        for folder in reading { try allow(Right.readFile | Right.readFolder, folder, in: ruleset) }
        let writable =
            Right.readFile | Right.readFolder | Right.writeFile | Right.removeFolder | Right.removeFile
            | Right.makeFolder | Right.makeFile | Right.truncate
        for folder in writing { try allow(writable, folder, in: ruleset) }
        guard nodeguard_landlock_enter(ruleset.rawValue) == 0 else {
            throw ConfinementError("landlock_restrict_self", "enter Landlock")
        }
    }

    /// Every right that this version knows is refused unless a rule gives it back.
    private var handled: UInt64 {
        switch version {
        case 1: (1 << 13) - 1
        case 2: (1 << 14) - 1
        case 3, 4: (1 << 15) - 1
        default: (1 << 16) - 1
        }
    }

    private func allow(
        _ rights: UInt64, _ path: FilePath, in ruleset: borrowing OwnedDescriptor
    ) throws(ConfinementError) {
        let folder: OwnedDescriptor
        do {
            folder = try Opening.start(at: path)
        } catch .noSuchFileOrDirectory {
            return
        } catch {
            throw ConfinementError("opening \(printable(path)): \(error)")
        }
        guard nodeguard_landlock_allow(ruleset.rawValue, rights & handled, folder.rawValue) == 0 else {
            throw ConfinementError("landlock_add_rule", "keep the folder", printable(path))
        }
    }
}
