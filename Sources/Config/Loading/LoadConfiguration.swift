/// Makes a configuration of the content of its files, or says everything that is wrong with them.
///
/// It depends on nothing but its arguments.
///
/// - Parameters:
///   - main: the main file; an empty one means the defaults.
///   - fragments: the files of `conf.d`, in the order in which they are laid over it.
///   - profiles: the profiles there are. A profile with an error makes the configuration wrong: what it would have
///     protected is not known. nil where they are not known here: then every plausible name is taken, and whoever
///     reads the profiles must check it.
public func loadConfiguration(
    main: ConfigurationFile, fragments: [ConfigurationFile] = [], profiles: Profiles? = nil
) throws(RejectedConfiguration) -> LoadedConfiguration {
    let files = [main] + fragments
    var problems: [Problem] = []
    var tree: Node?
    var unreadable = false
    for file in files {
        let read = YAMLTree(of: file)
        problems += read.problems
        guard let root = read.root else {
            unreadable = true
            continue
        }
        // Each file on its own: what a later file replaces must be right all the same.
        var decoding = Decoding(complete: false, mainFile: main.path)
        _ = Configuration.decode(root, &decoding)
        problems += decoding.problems
        if let base = tree {
            problems += emptyLists(in: root, over: base, Schema.root, "")
            tree = merged(base, root, Schema.root)
        } else {
            tree = root
        }
    }
    // Without one of the files it is not known what the others add up to.
    let ofProfiles = profiles?.problems ?? []
    guard let tree, !unreadable else {
        throw RejectedConfiguration(problems: inOrder(problems, of: files) + ofProfiles)
    }

    var decoding = Decoding(complete: true, mainFile: main.path, profiles: profiles)
    let settings = Configuration.decode(tree, &decoding)
    problems += decoding.problems
    let ordered = inOrder(problems, of: files) + ofProfiles
    guard let settings, !ordered.contains(where: { $0.severity == .error }) else {
        throw RejectedConfiguration(problems: ordered)
    }
    return LoadedConfiguration(
        settings: settings, contents: files, warnings: ordered, profiles: profiles ?? .none,
        origins: decoding.origins)
}

/// Each problem once, by file, line and column, and no more of one file than anybody reads.
private func inOrder(_ problems: [Problem], of files: [ConfigurationFile]) -> [Problem] {
    var seen: Set<Problem> = []
    let once = problems.filter { seen.insert($0.withoutKey).inserted }
    return files.flatMap { file in
        let own = once.filter { $0.file == file.path }.sorted {
            ($0.place?.line ?? 0, $0.place?.column ?? 0) < ($1.place?.line ?? 0, $1.place?.column ?? 0)
        }
        let errors = own.filter { $0.severity == .error }
        guard errors.count > YAMLTree.mostProblems, let last = errors.prefix(YAMLTree.mostProblems).last?.place else {
            return own
        }
        return errors.prefix(YAMLTree.mostProblems) + [
            Problem(.error, last, key: "", "there are more errors after this one, which are left out")
        ]
    }
}

extension Problem {
    /// The same list has other numbers once files are merged; place and message tell whether it is the same problem.
    fileprivate var withoutKey: Problem {
        place.map { Problem(severity, $0, key: "", message) } ?? self
    }
}

/// Warns where a later file gives an empty list of named things: merged by name, it changes nothing.
private func emptyLists(in over: Node, over base: Node, _ form: Form, _ path: String) -> [Problem] {
    guard case .section(let keys, _) = form, case .mapping(let entries) = over.content,
        case .mapping(let earlier) = base.content
    else { return [] }
    return entries.flatMap { entry -> [Problem] in
        guard let key = keys.first(where: { $0.name == entry.key }) else { return [] }
        let path = joined(path, entry.key)
        let before = earlier.first { $0.key == entry.key }?.value ?? key.builtIn
        if key.form.isListOfNamed, entry.value.content == .list([]), before.content != .list([]),
            let place = entry.value.origin.place
        {
            let message =
                "lists of named things are merged by name, so an empty one changes nothing; "
                + "remove the items from the main file"
            return [Problem(.warning, place, key: path, message)]
        }
        return emptyLists(in: entry.value, over: before, key.form, path)
    }
}
