internal import CLinux
internal import EngineProtocol
internal import Glibc
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// Whom the engine runs as. The fear: whatever a taken-over engine can still do, it can do to its user's files and
/// processes. So it gets a user that has none.
struct EngineUser {
    /// The name that packaging/deb/nodeguard.sysusers makes.
    static let name = "nodeguard-engine"

    let user: UInt32
    let group: UInt32
    /// Whether that is another user than the one this process was started as.
    let isOther: Bool
    let notes: [String]

    /// The user to become: where root started the engine the one by the name, or nobody where there is none; else the
    /// one that it is.
    static func find() throws(ConfinementError) -> EngineUser {
        guard geteuid() == 0 || getuid() == 0 else {
            return EngineUser(
                user: geteuid(), group: getegid(), isOther: false,
                notes: [
                    "the engine was not started by root: it runs as user \(geteuid()), and its network is cut off by seccomp alone"
                ])
        }
        guard let passwd = try? FileDescriptor.open(FilePath("/etc/passwd"), .readOnly, options: .closeOnExec),
            let text = try? passwd.closeAfter({ try readToEnd(passwd) }), let found = entry(in: text)
        else {
            return EngineUser(
                user: UserChange.nobody, group: UserChange.nobody, isOther: true,
                notes: [
                    "there is no user \(name): the engine runs as user \(UserChange.nobody), which other programs may use too; fix: systemd-sysusers"
                ])
        }
        guard found.user != 0 && found.group != 0 else {
            throw ConfinementError(
                "the user \(name) in /etc/passwd is root, or in root's group: give it numbers of its own")
        }
        return EngineUser(user: found.user, group: found.group, isOther: true, notes: [])
    }

    /// Read by ourselves: getpwnam(3) would load whatever nsswitch.conf names into this process, as root. A system user
    /// that sysusers made stands in the file (passwd(5)).
    private static func entry(in text: [UInt8]) -> (user: UInt32, group: UInt32)? {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count >= 4, fields[0].elementsEqual(name.utf8),
                let user = UInt32(String(decoding: fields[2], as: UTF8.self)),
                let group = UInt32(String(decoding: fields[3], as: UTF8.self))
            else { continue }
            return (user, group)
        }
        return nil
    }

    /// Becomes that user, for good. Capabilities survive it only as far as they are wanted for loading.
    func become() throws(ConfinementError) {
        guard isOther else { return }
        try UserChange.become(
            user: user, group: group, keepsCapabilities: true,
            remedy: "nodeguard's scan needs CAP_SETUID and CAP_SETGID to start its engine as another user")
    }
}
