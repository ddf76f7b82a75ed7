internal import LinuxSystem
public import SystemPackage

/// The profiles there are, by name.
public struct Profiles: Equatable, Sendable {
    /// The profiles, in the order of their names.
    public let all: [Profile]
    /// What was wrong or doubtful about their files. A profile with an error is not among ``all``.
    public let problems: [Problem]

    /// The files that they come from, as they were read.
    public let files: [ConfigurationFile]

    /// The names of files with an error: they are there, but nothing is known of them.
    let broken: Set<Name>

    /// No profile at all.
    public static let none = Profiles([])

    /// Profiles that need no file.
    public init(_ profiles: [Profile]) {
        self.init(profiles, files: [], broken: [], problems: [])
    }

    init(_ profiles: [Profile], files: [ConfigurationFile], broken: Set<Name>, problems: [Problem]) {
        self.files = files
        self.broken = broken
        all = profiles.sorted { $0.name < $1.name }
        self.problems = problems
    }

    /// Their names.
    public var names: [String] { all.map(\.name.text) }

    /// The profile of this name.
    public subscript(name: Name) -> Profile? { all.first { $0.name == name } }
}

/// Reads every `NAME.yaml` of these folders. A profile of a later folder takes the place of an earlier one of the same
/// name, as a whole.
///
/// The first folder is the packaged one: where it is missing that is a warning, and the built-in patterns for key files
/// are all there is. The others need not be there.
public func readProfiles(in folders: [FilePath]) -> Profiles {
    var profiles: [Name: Profile] = [:]
    var files: [Name: ConfigurationFile] = [:]
    var broken: Set<Name> = []
    var problems: [Problem] = []
    for (index, folder) in folders.enumerated() {
        let names = fragmentNames(in: folder, &problems)
        if index == 0 && names.isEmpty {
            let message =
                "there are no profiles in this folder: keys are recognised by the built-in patterns only; install "
                + "nodeguard again"
            problems.append(Problem(.warning, file: folder, message))
        }
        // Whoever owns the packaged folder owns the program too: root, or in a build folder whoever built it.
        let owner = index == 0 ? (try? FileStatus.of(Opening.start(at: folder)))?.user : nil
        for name in names {
            if let file = readFile(folder.appending(name), ownedBy: owner, &problems),
                let profile = loadProfile(file, &problems)
            {
                profiles[profile.name] = profile
                files[profile.name] = file
            } else if let name = try? Name(parsing: name.stem) {
                broken.insert(name)
            }
        }
    }
    return Profiles(
        Array(profiles.values), files: files.sorted { $0.key < $1.key }.map(\.value), broken: broken,
        problems: problems)
}

/// Reads one profile; nil where something is wrong with it, with the reasons in `problems`.
func loadProfile(_ file: ConfigurationFile, _ problems: inout [Problem]) -> Profile? {
    let stem = file.path.lastComponent?.stem ?? ""
    let name: Name
    do {
        name = try Name(parsing: stem)
    } catch {
        problems.append(Problem(.error, file: file.path, "the file's name is the profile's: \(error); rename the file"))
        return nil
    }
    let read = YAMLTree(of: file)
    problems += read.problems
    guard let root = read.root else { return nil }
    var decoding = Decoding(complete: true, mainFile: file.path, root: Profile.form)
    var profile = Profile.decode(root, &decoding)
    problems += decoding.problems
    profile?.name = name
    return read.problems.contains { $0.severity == .error } ? nil : profile
}
