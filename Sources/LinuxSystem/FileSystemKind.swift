internal import CLinux
public import SystemPackage

/// What kind of file system a folder is on, as far as a scan must know.
public enum FileSystemKind: Equatable, Sendable {
    /// Files of this machine.
    case local
    /// Made up by the kernel: reading it reads the kernel's state, or a device's.
    case pseudo
    /// Files of another machine, or served by a program: a read can hang for ever.
    case network

    /// The kind of the file system behind a descriptor, by fstatfs(2).
    public static func of(_ file: borrowing OwnedDescriptor) throws(Errno) -> FileSystemKind {
        var status = statfs()
        guard unsafe fstatfs(file.rawValue, &status) == 0 else { throw Errno.current }
        let magic = UInt32(truncatingIfNeeded: status.f_type)
        if pseudoMagics.contains(magic) { return .pseudo }
        return networkMagics.contains(magic) ? .network : .local
    }

    /// Magic numbers of <linux/magic.h> and, where they are not there, of the file system's source in the kernel.
    private static let pseudoMagics: Set<UInt32> = [
        0x9fa0,  // proc
        0x6265_6572,  // sysfs
        0x6462_6720,  // debugfs
        0x7472_6163,  // tracefs
        0x6367_7270,  // cgroup2
        0x27e0eb,  // cgroup
        0x1cd1,  // devpts
        0x1373,  // devfs
        0x1980_0202,  // mqueue
        0x7363_6673,  // securityfs
        0xf97c_ff8c,  // selinuxfs
        0x4341_5d53,  // smackfs
        0x6165_676c,  // pstore
        0xde5e_81e4,  // efivarfs
        0xcafe_4a11,  // bpf
        0x6265_6570,  // configfs
        0x4249_4e4d,  // binfmt_misc
        0x6759_6969,  // rpc_pipefs
        0x0187,  // autofs
        0x6e73_6673,  // nsfs
        0x5049_5045,  // pipefs
        0x534f_434b,  // sockfs
        0x9584_58f6,  // hugetlbfs
        0x6573_5543,  // fusectl
    ]

    private static let networkMagics: Set<UInt32> = [
        0x6969,  // nfs
        0x517b,  // smb
        0xff53_4d42,  // cifs
        0xfe53_4d42,  // smb2
        0x0102_1997,  // 9p
        0x00c3_6400,  // ceph
        0x5346_414f,  // afs
        0x7461_636f,  // ocfs2
        0x6573_5546,  // fuse
    ]
}
