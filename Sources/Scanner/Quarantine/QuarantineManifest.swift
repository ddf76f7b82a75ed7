internal import FoundationEssentials
public import Journal
public import LinuxSystem
public import SystemPackage

/// Everything about a file in the quarantine but its content.
public struct QuarantineManifest: Equatable, Sendable {
    /// The path by which the scan met the file.
    public let path: FilePath
    /// Where it was, without a symbolic link on the way: where it is restored to.
    public let place: FilePath
    /// What was found in it, the first one first.
    public let signatures: [String]
    /// The target; nil where paths were given by hand.
    public let target: String?
    /// The scan that found it.
    public let scanID: ScanID
    /// When it was set aside.
    public let time: UnixTime
    /// Its size in bytes.
    public let size: UInt64
    /// Its inode, for who finds another name of it.
    public let inode: UInt64
    /// Owner, mode, times, and extended attributes with the POSIX ACL and the SELinux label.
    public let metadata: FileMetadata
    /// For ``EncodedContent``.
    let key: [UInt8]
    let checksum: UInt64

    /// More bytes than any manifest has: all attributes that the kernel allows (64 KiB each) on the largest inode.
    static let largest = 16 << 20
}

/// A manifest that was not written by this program, or was damaged.
public struct MalformedManifest: Error, Equatable, CustomStringConvertible {
    /// What is wrong with it.
    public let description: String
}

extension QuarantineManifest {
    /// The file's form; paths, names and values are bytes.
    private struct Document: Codable {
        var schema = 1
        var path: Data
        var place: Data
        /// For a person with nothing but a text editor.
        var shown: String
        var signatures: [String]
        var target: String?
        var scanID: ScanID
        var time: UnixTime
        var size: UInt64
        var inode: UInt64
        var user: UInt32
        var group: UInt32
        var permissions: UInt16
        var accessed: Time
        var modified: Time
        var attributes: [Attribute]
        var encoding = "xor-32"
        var key: Data
        var fnv1a64: UInt64

        struct Time: Codable {
            var seconds: Int64
            var nanoseconds: UInt32
        }

        struct Attribute: Codable {
            var name: Data
            var value: Data
        }
    }

    /// The bytes of the file.
    func encoded() throws -> [UInt8] {
        func time(_ time: FileStatus.Time) -> Document.Time {
            Document.Time(seconds: time.seconds, nanoseconds: time.nanoseconds)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = Document(
            path: Data(path.bytes), place: Data(place.bytes), shown: printable(place), signatures: signatures,
            target: target, scanID: scanID, time: self.time, size: size, inode: inode, user: metadata.user,
            group: metadata.group, permissions: metadata.permissions, accessed: time(metadata.accessed),
            modified: time(metadata.modified),
            attributes: metadata.attributes.map {
                Document.Attribute(name: Data($0.name), value: Data($0.value))
            }, key: Data(key), fnv1a64: checksum)
        return Array(try encoder.encode(document)) + [UInt8(ascii: "\n")]
    }

    /// Reads a file's bytes, which may be anybody's.
    ///
    /// - Throws: ``MalformedManifest``; nothing that it could not have written itself comes through.
    init(_ bytes: [UInt8]) throws(MalformedManifest) {
        let document: Document
        do {
            guard bytes.count <= Self.largest else { throw MalformedManifest(description: "it is too large") }
            document = try JSONDecoder().decode(Document.self, from: Data(bytes))
        } catch let error as MalformedManifest {
            throw error
        } catch {
            throw MalformedManifest(description: "it is not JSON as nodeguard writes it")
        }
        func require(_ isGood: Bool, _ what: String) throws(MalformedManifest) {
            guard isGood else { throw MalformedManifest(description: "\(what) in it is none") }
        }
        func time(_ time: Document.Time) throws(MalformedManifest) -> FileStatus.Time {
            try require(time.nanoseconds < 1_000_000_000, "a time")
            return FileStatus.Time(seconds: time.seconds, nanoseconds: time.nanoseconds)
        }
        func path(_ data: Data) throws(MalformedManifest) -> FilePath {
            let bytes = Array(data)
            let names = bytes.split(separator: UInt8(ascii: "/"))
            let isPlain = names.allSatisfy { !$0.elementsEqual([0x2e]) && !$0.elementsEqual([0x2e, 0x2e]) }
            try require(
                bytes.first == UInt8(ascii: "/") && !bytes.contains(0) && !names.isEmpty && isPlain, "the path")
            return FilePath(bytes: bytes)
        }
        try require(document.schema == 1 && document.encoding == "xor-32", "a form that this version knows")
        try require(document.key.count == EncodedContent.keyLength, "the key")
        try require(document.permissions <= 0o7777, "the mode")
        try require(!document.signatures.isEmpty, "a signature")
        for attribute in document.attributes {
            // XATTR_NAME_MAX and XATTR_SIZE_MAX of <linux/limits.h>.
            try require(
                (1...255).contains(attribute.name.count) && !attribute.name.contains(0)
                    && attribute.value.count <= 65536, "an attribute")
        }
        self.path = FilePath(bytes: document.path)
        place = try path(document.place)
        signatures = document.signatures
        target = document.target
        scanID = document.scanID
        self.time = document.time
        size = document.size
        inode = document.inode
        metadata = FileMetadata(
            user: document.user, group: document.group, permissions: document.permissions,
            accessed: try time(document.accessed), modified: try time(document.modified),
            attributes: document.attributes.map {
                FileMetadata.Attribute(name: Array($0.name), value: Array($0.value))
            })
        key = Array(document.key)
        checksum = document.fnv1a64
    }
}
