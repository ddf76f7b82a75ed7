internal import LinuxSystem
public import SystemPackage

/// How a session recognises what belongs to a validator, wherever it lies: part of its order.
///
/// Patterns are those of ``PathGlob``. The built-in patterns of ``KeyFiles`` are in force in any case.
public struct ValidatorFiles: Codable, Equatable, Sendable {
    /// Key files that must not be read by others.
    public var secrets: [String]
    /// Key files that must not be written by others.
    public var records: [String]
    /// Secrets too, but with names so common that they mean something only beneath ``folders``.
    public var secretsInFolders: [String]
    /// Chain data that is written once.
    public var immutableChainData: [String]
    /// Chain data that changes in place.
    public var mutableChainData: [String]
    /// The validators' folders: everything beneath them is a validator's.
    public var folders: [FilePath]

    /// Patterns and folders; without any, the built-in patterns alone.
    public init(
        secrets: [String] = [], records: [String] = [], secretsInFolders: [String] = [],
        immutableChainData: [String] = [], mutableChainData: [String] = [], folders: [FilePath] = []
    ) {
        self.secrets = secrets
        self.records = records
        self.secretsInFolders = secretsInFolders
        self.immutableChainData = immutableChainData
        self.mutableChainData = mutableChainData
        self.folders = folders
    }
}

/// What a file is to a validator.
public enum ValidatorFile: Hashable, Sendable {
    /// A key: never opened.
    case key(KeyFiles.Kind)
    /// A part of the chain.
    case chainData(ChainData)
}

/// ``ValidatorFiles``, made ready to be asked for millions of paths.
public struct ValidatorFileMatcher: Sendable {
    fileprivate struct Meaning: Sendable {
        let file: ValidatorFile
        let onlyInFolders: Bool
    }

    private let patterns: PathPatterns<Meaning>
    private let folders: [[UInt8]]

    /// What the path of a folder says about everything in it.
    struct Folder {
        fileprivate let patterns: PathPatterns<Meaning>.Folder
    }

    /// Asks the path of a folder.
    func folder(_ path: [UInt8]) -> Folder { Folder(patterns: patterns.folder(path)) }

    /// Whether an entry of that folder could be something in particular.
    func mayConcern(_ name: NameHashes, in folder: Folder) -> Bool { patterns.mayMatch(name, in: folder.patterns) }

    /// Takes the patterns over, the built-in ones with them. A file that is a key by one pattern and chain data by
    /// another is a key.
    public init(_ files: ValidatorFiles) {
        var seen: Set<String> = []
        func take(_ patterns: [String], _ file: ValidatorFile) -> [(pattern: String, value: Meaning)] {
            patterns.filter { seen.insert($0).inserted }.map { ($0, Meaning(file: file, onlyInFolders: false)) }
        }
        let everywhere =
            take(KeyFiles.builtInSecrets + files.secrets, .key(.secret))
            + take(KeyFiles.builtInRecords + files.records, .key(.record))
        // A pattern that holds everywhere has no need of folders.
        let inFolders = files.secretsInFolders.filter { seen.insert($0).inserted }
            .map { (pattern: $0, value: Meaning(file: .key(.secret), onlyInFolders: true)) }
        let chainData =
            take(files.immutableChainData, .chainData(.immutable)) + take(files.mutableChainData, .chainData(.mutable))
        patterns = PathPatterns(everywhere + inFolders + chainData)
        let slash = UInt8(ascii: "/")
        folders = files.folders.map { folder in
            let bytes = folder.bytes
            return bytes.last == slash ? bytes : bytes + [slash]
        }
    }

    /// What the file at this path is to a validator, by its path alone; nil: nothing in particular.
    public func callAsFunction(_ path: [UInt8]) -> ValidatorFile? {
        patterns.first(matching: path) { !$0.onlyInFolders || isInValidatorsFolder(path) }?.file
    }

    /// Whether the path lies beneath a folder of the validators: reported there, never touched, whatever it is.
    public func isInValidatorsFolder(_ path: [UInt8]) -> Bool {
        folders.contains { path.starts(with: $0) }
    }
}
