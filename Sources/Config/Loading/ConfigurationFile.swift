public import SystemPackage

/// A file of the configuration: its name and everything in it.
public struct ConfigurationFile: Equatable, Sendable {
    /// The name, for messages.
    public let path: FilePath
    /// The content.
    public let bytes: [UInt8]

    /// A file that was read, or made up.
    public init(path: FilePath, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}
