public import SystemPackage

/// The folders under `paths` of a configuration that is wrong elsewhere: whoever has to find its agent, or the last good one
/// that was kept of it, needs no more.
///
/// A file that is no YAML is read by its sections: the lines from `paths:` on that are indented. Nothing is guessed.
///
/// - Returns: nil where a file cannot be read, or what it says of `paths` is wrong or not known.
public func pathsOfRejectedConfiguration(at main: FilePath) -> NamedPaths? {
    var problems: [Problem] = []
    let folder = main.removingLastComponent().appending("conf.d")
    guard let file = readFile(main, &problems) else { return nil }
    var files = [file]
    for name in fragmentNames(in: folder, &problems) {
        guard let fragment = readFile(folder.appending(name), &problems) else { return nil }
        files.append(fragment)
    }
    guard !problems.contains(where: { $0.severity == .error }) else { return nil }
    var named = NamedPaths()
    for file in files {
        guard named.take(file) else { return nil }
    }
    return named
}

/// What a configuration that is wrong elsewhere says of `paths`.
public struct NamedPaths: Equatable, Sendable {
    /// The folders: those that are not named are where they are by default.
    public private(set) var paths = Configuration.Paths()
    /// Whether the files name the state folder.
    public private(set) var namesState = false
    /// Whether it is known where the runtime folder is: one is named, or none is in files that are YAML throughout.
    public var knowsRuntime: Bool { namesRuntime || isWhole }
    private var namesRuntime = false
    private var isWhole = true

    /// Takes in what a file says; false where that is wrong or not known.
    fileprivate mutating func take(_ file: ConfigurationFile) -> Bool {
        let sections: [ConfigurationFile]
        if let whole = YAMLTree(of: file).root, case .mapping = whole.content {
            sections = [file]
        } else {
            isWhole = false
            sections = pathsSections(of: file)
            guard sections.count < 2 else { return false }
        }
        for section in sections {
            guard let root = YAMLTree(of: section).root, case .mapping(let entries) = root.content else { return false }
            for entry in entries where entry.key == "paths" {
                guard takePaths(entry.value) else { return false }
            }
        }
        return true
    }

    private mutating func takePaths(_ node: Node) -> Bool {
        if node.isLeftEmpty { return true }
        guard case .mapping(let entries) = node.content else { return false }
        for entry in entries {
            guard case .scalar(let scalar) = entry.value.content, let path = try? AbsolutePath(parsing: scalar.text)
            else { return false }
            switch entry.key {
            case "host": paths.host = path
            case "state": (paths.state, namesState) = (path, true)
            case "runtime": (paths.runtime, namesRuntime) = (path, true)
            // What was meant by a misspelt name is not known.
            default: return false
            }
        }
        return true
    }
}

/// Every section `paths:` of a file, each as a file of its own.
private func pathsSections(of file: ConfigurationFile) -> [ConfigurationFile] {
    guard file.bytes.count <= YAMLTree.largest else { return [] }
    var sections: [[UInt8]] = []
    var isInside = false
    for line in file.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        let isIndented =
            line.first.map { [UInt8(ascii: " "), UInt8(ascii: "#"), UInt8(ascii: "\r")].contains($0) } ?? true
        if !isIndented {
            isInside = line.starts(with: Array("paths:".utf8))
            if isInside { sections.append([]) }
        }
        if isInside { sections[sections.count - 1] += line + [UInt8(ascii: "\n")] }
    }
    return sections.map { ConfigurationFile(path: file.path, bytes: $0) }
}
