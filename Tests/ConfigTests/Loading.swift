import Config
import SystemPackage
import Testing

/// Loads a main file named `main.yaml` and fragments named `1.yaml`, `2.yaml` and so on.
func load(
    _ main: String, _ fragments: String..., profiles: Profiles? = nil
) throws(RejectedConfiguration) -> LoadedConfiguration {
    try loadConfiguration(
        main: ConfigurationFile(path: "main.yaml", bytes: Array(main.utf8)),
        fragments: fragments.enumerated().map {
            ConfigurationFile(path: FilePath("\($0.offset + 1).yaml"), bytes: Array($0.element.utf8))
        },
        profiles: profiles)
}

/// The problems of a configuration as lines, whether it is refused or not.
func problems(_ main: String, profiles: Profiles? = nil) -> [String] {
    do { return try load(main, profiles: profiles).warnings.map(\.description) } catch {
        return error.problems.map(\.description)
    }
}

/// An input with the lines that are expected for it.
struct Bad: CustomTestStringConvertible {
    let input: String
    let expected: [String]

    init(_ input: String, _ expected: String...) {
        self.input = input
        self.expected = expected
    }

    var testDescription: String { input }
}
