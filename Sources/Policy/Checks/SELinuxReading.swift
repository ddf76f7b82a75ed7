import CNetlink
import CSELinux
import Glibc
import LinuxSystem
import SystemPackage

/// Everything that this host says about its SELinux, as it was found. Judged by ``SELinuxCheck``.
struct SELinuxReading: Equatable, Sendable {
    /// Whether the running kernel lists selinuxfs in /proc/filesystems, which it does exactly when SELinux was
    /// switched on at boot. Nil where that could not be read.
    var kernelHasSELinux: Bool?
    /// What lies at /sys/fs/selinux.
    var mount: Mount
    /// The content of `enforce` there.
    var enforce: Found<Bool>
    /// How often a policy was loaded since boot, from the `status` page (struct selinux_kernel_status).
    var policyLoads: Found<UInt32>
    /// libselinux: is_selinux_enabled(3).
    var libraryEnabled: Bool
    /// libselinux: security_getenforce(3); nil where it cannot tell.
    var libraryEnforcing: Bool?
    /// `SELINUX=` of /etc/selinux/config: the mode after the next boot.
    var bootMode: Found<BootMode>
    /// `enforcing=0` or `selinux=0` on the kernel's command line.
    var commandLineOverride: String?

    enum Mount: Equatable, Sendable {
        case absent
        /// Something else than selinuxfs, by its magic number.
        case foreign(UInt32)
        case selinuxfs
    }

    enum Found<Value: Equatable & Sendable>: Equatable, Sendable {
        case value(Value)
        /// The file is not there.
        case missing
        /// It is there and says something that is not understood, or cannot be read.
        case unreadable(String)
    }

    enum BootMode: String, Sendable {
        case enforcing, permissive, disabled
    }

    /// SELINUX_MAGIC of <linux/magic.h>.
    static let magic: UInt32 = 0xf97c_ff8c
}

extension SELinuxReading {
    /// Reads this host.
    ///
    /// All of it is the kernel's memory but the boot configuration. libselinux looks for that one only when it is loaded.
    ///
    /// - Parameters:
    ///   - root: where the file system begins. libselinux is asked about the real host only.
    ///   - boot: what the boot configuration says; nil: it is read.
    init(root: FilePath = "/", boot: Found<BootMode>? = nil) {
        let selinuxfs = root.appending("sys/fs/selinux")
        kernelHasSELinux = contents(root.appending("proc/filesystems")).map { text in
            text.split(separator: "\n").contains { $0.split(separator: "\t").last == "selinuxfs" }
        }
        let found = unsafe selinuxfs.withPlatformString { unsafe nodeguard_filesystem_magic($0) }
        // An empty folder of sysfs is what lies there where nothing is mounted.
        let sysfs: Int64 = 0x6265_6572
        if found == Int64(Self.magic) {
            mount = .selinuxfs
        } else if found < 0 || found == sysfs {
            mount = .absent
        } else {
            mount = .foreign(UInt32(truncatingIfNeeded: found))
        }
        switch read(selinuxfs.appending("enforce"), limit: 16) {
        case .value(let bytes):
            switch String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            case "1": enforce = .value(true)
            case "0": enforce = .value(false)
            default: enforce = .unreadable("it says \"\(printable(bytes))\"")
            }
        case .missing: enforce = .missing
        case .unreadable(let reason): enforce = .unreadable(reason)
        }
        switch read(selinuxfs.appending("status"), limit: 64) {
        case .value(let bytes):
            // version, sequence, enforcing, policyload, deny_unknown: u32 each.
            let reader = NetlinkReader(bytes)
            if reader.u32 == 1, let loads = reader.number(at: 12, as: UInt32.self) {
                policyLoads = .value(loads)
            } else {
                policyLoads = .unreadable("its status page is of an unknown version")
            }
        case .missing: policyLoads = .missing
        case .unreadable(let reason): policyLoads = .unreadable(reason)
        }
        let isHost = root == "/"
        libraryEnabled = isHost && is_selinux_enabled() == 1
        let mode = isHost ? security_getenforce() : -1
        libraryEnforcing = mode < 0 ? nil : mode == 1
        bootMode = boot ?? Self.readBootMode(root: root)
        commandLineOverride = contents(root.appending("proc/cmdline"))?.split { $0 == " " || $0 == "\n" }.map(
            String.init
        )
        .last { $0.hasPrefix("enforcing=") || $0.hasPrefix("selinux=") }
        .flatMap { $0 == "enforcing=1" || $0 == "selinux=1" ? nil : $0 }
    }

    /// Reads the boot configuration, from the disk.
    static func readBootMode(root: FilePath = "/") -> Found<BootMode> {
        bootMode(read(root.appending("etc/selinux/config"), limit: 65536))
    }

    /// The last `SELINUX=` line counts, as in libselinux.
    private static func bootMode(_ file: Found<[UInt8]>) -> Found<BootMode> {
        switch file {
        case .missing: return .missing
        case .unreadable(let reason): return .unreadable(reason)
        case .value(let bytes):
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            guard let line = lines.last(where: { $0.hasPrefix("SELINUX=") }) else {
                return .unreadable("it has no line SELINUX=")
            }
            let word = line.dropFirst("SELINUX=".count).prefix { $0 != " " && $0 != "\t" && $0 != "\r" }
            return BootMode(rawValue: word.lowercased()).map { .value($0) }
                ?? .unreadable("it says SELINUX=\(printable(word.utf8))")
        }
    }
}

private func contents(_ path: FilePath) -> String? {
    if case .value(let bytes) = read(path, limit: 65536) { String(decoding: bytes, as: UTF8.self) } else { nil }
}

/// The first bytes of a file of the kernel's or the administrator's.
private func read(_ path: FilePath, limit: Int) -> SELinuxReading.Found<[UInt8]> {
    do {
        let file = OwnedDescriptor(
            owning: try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking]))
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let more = try unsafe bytes.withUnsafeMutableBytes {
                try unsafe file.descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]))
            }
            if more == 0 { break }
            count += more
        }
        return .value(Array(bytes[..<count]))
    } catch Errno.noSuchFileOrDirectory {
        return .missing
    } catch let error as Errno {
        return .unreadable("\(error)")
    } catch {
        return .unreadable("\(error)")
    }
}
