public import Config
public import Scanner

extension ValidatorFiles {
    /// What a scan recognises as a validator's: what all profiles say, whichever the validators name (a client that
    /// was tried once leaves its keys behind), and the folders of the targets of kind `validators`.
    public init(_ configuration: LoadedConfiguration) {
        let profiles = configuration.profiles.all
        func patterns(_ list: (Profile) -> [FilePattern]) -> [String] { profiles.flatMap(list).map(\.text) }
        self.init(
            secrets: patterns(\.keys.secrets), records: patterns(\.keys.records),
            secretsInFolders: patterns(\.keys.secretsInFolders),
            immutableChainData: patterns(\.chainData.immutable), mutableChainData: patterns(\.chainData.mutable),
            folders: configuration.settings.scan.targets.filter { $0.kind == .validators }.flatMap(\.paths).map(\.path))
    }
}
