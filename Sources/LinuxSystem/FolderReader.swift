internal import CLinux
public import SystemPackage

/// Reads the entries of an open folder with getdents64(2).
///
/// readdir(3) is not used: it hides the difference between the end and an error from careless callers and
/// copies every entry once more. `.` and `..` are left out. Safe: the buffer is its own and never leaves it.
@safe public struct FolderReader: ~Copyable {
    /// One entry as the folder has it: its name and, where the file system tells, what sort it is.
    public struct Entry: Sendable {
        /// The name.
        public let name: FileName
        /// The sort of file; `unknown` where the file system does not say and statx(2) has to be asked.
        public let kind: FileStatus.Kind
    }

    private let buffer: UnsafeMutableRawBufferPointer
    private var position = 0
    private var end = 0
    /// The last entry's name. Its memory is used again for the next one, unless somebody has kept the name.
    private var name: [UInt8] = []

    /// A reader with a buffer of its own, 64 KiB, for as many folders as wanted, one after the other.
    public init() {
        unsafe buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 8)
    }

    deinit { unsafe buffer.deallocate() }

    /// Forgets what is buffered: the next entry comes from another folder, or from its beginning.
    public mutating func reset() {
        position = 0
        end = 0
    }

    /// The next entry, or nil at the end.
    ///
    /// - Throws: the kernel's answer; what was read before stays valid, the rest of the folder is unknown.
    public mutating func next(of folder: borrowing OwnedDescriptor) throws(Errno) -> Entry? {
        while true {
            if position == end {
                let read = unsafe nodeguard_getdents64(folder.rawValue, buffer.baseAddress, buffer.count)
                guard read >= 0 else { throw Errno.current }
                guard read > 0 else { return nil }
                position = 0
                end = read
            }
            // struct linux_dirent64 of getdents64(2): u64 d_ino, s64 d_off, u16 d_reclen, u8 d_type, char d_name[].
            let length = Int(unsafe buffer.loadUnaligned(fromByteOffset: position + 16, as: UInt16.self))
            let type = unsafe buffer[position + 18]
            let name = unsafe UnsafeRawBufferPointer(rebasing: buffer[(position + 19)..<(position + length)])
            position += length
            if unsafe Self.isSelfOrParent(name) { continue }
            // The kernel ends every name with a NUL.
            guard let end = unsafe name.firstIndex(of: 0), end > 0 else { continue }
            self.name.removeAll(keepingCapacity: true)
            unsafe self.name.append(contentsOf: UnsafeRawBufferPointer(rebasing: name[...end]))
            return Entry(name: FileName(terminated: self.name), kind: FileStatus.Kind(directoryEntry: type))
        }
    }

    /// Whether everything that was taken from the folder was given out.
    public var isDrained: Bool { position == end }

    /// How far the folder was taken, for ``resume(_:at:)``; only where ``isDrained``. Nil where it has no such places.
    public func place(in folder: borrowing OwnedDescriptor) -> Int64? {
        let place = lseek(folder.rawValue, 0, SEEK_CUR)
        return place < 0 ? nil : Int64(place)
    }

    /// Goes on with a folder, perhaps opened anew, at a place that ``place(in:)`` gave.
    public mutating func resume(_ folder: borrowing OwnedDescriptor, at place: Int64) throws(Errno) {
        reset()
        guard lseek(folder.rawValue, off_t(place), SEEK_SET) >= 0 else { throw Errno.current }
    }

    private static func isSelfOrParent(_ name: UnsafeRawBufferPointer) -> Bool {
        let dot = UInt8(ascii: ".")
        return unsafe name[0] == dot && (name[1] == 0 || (name[1] == dot && name[2] == 0))
    }
}

extension FileStatus.Kind {
    /// The `DT_*` constants of readdir(3), which are the mode's file type shifted by 12.
    fileprivate init(directoryEntry type: UInt8) {
        self =
            switch type {
            case 1: .fifo
            case 2: .characterDevice
            case 4: .directory
            case 6: .blockDevice
            case 8: .regular
            case 10: .symbolicLink
            case 12: .socket
            default: .unknown
            }
    }
}
