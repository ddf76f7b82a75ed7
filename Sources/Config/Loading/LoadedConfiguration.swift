public import SystemPackage

/// A configuration that is right, with what is worth telling about it.
public struct LoadedConfiguration: Equatable, Sendable {
    /// The settings.
    public let settings: Configuration
    /// The files they come from, as they were read, the main one first.
    public let contents: [ConfigurationFile]
    /// The names of these files.
    public var files: [FilePath] { contents.map(\.path) }
    /// What is allowed, but probably not meant.
    public internal(set) var warnings: [Problem]
    /// The profiles that validators may name.
    public let profiles: Profiles
    let origins: [String: Origin]

    /// The ports of this validator that the gate shuts.
    public func ports(of validator: Configuration.Validator) -> [Port] { validator.ports(by: profiles) }

    /// Where the value of a key comes from.
    ///
    /// `key` is a full path with the names of listed things in brackets, such as `policy.gate.lease` or
    /// `scan.targets[system].paths`, and their number where they have none: `policy.vpn.local[0]`.
    public func origin(of key: String) -> Origin { origins[key] ?? .builtIn }
}

/// A configuration that cannot be used, with everything that is wrong with it.
public struct RejectedConfiguration: Error, Equatable, Sendable, CustomStringConvertible {
    /// The errors, at least one, and the warnings, in the order of the files and their lines.
    public let problems: [Problem]

    /// At least one of `problems` must be an error.
    public init(problems: [Problem]) {
        self.problems = problems
    }

    /// A line for each.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
