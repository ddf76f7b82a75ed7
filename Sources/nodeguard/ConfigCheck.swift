import ArgumentParser
import Config
import LinuxSystem
import SystemPackage

/// `nodeguard config check`: is the configuration right, and where is it not.
struct ConfigCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate the configuration.",
        discussion: """
            Reads the file and conf.d/*.yaml beside it, and tells every problem as FILE:LINE:COLUMN. \
            To check a file in conf.d, check the main file. \
            Exits with 0 if it can be used, with 2 if not.
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The main file; without it, the one of --config.", valueName: "file"))
    var file: String?

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        let main = file.map { FilePath($0) } ?? global.configurationPath
        let report: Report
        do {
            let loaded = try readConfiguration(at: main, profiles: GlobalOptions.profiles(for: main))
            report = Report(
                valid: true, files: loaded.files.map { printable($0) }, problems: loaded.warnings.map(Entry.init))
            tell(loaded.warnings)
            if !json {
                let (files, warnings) = (count(loaded.files.count, "file"), count(loaded.warnings.count, "warning"))
                print("\(printable(main)): valid (\(files), \(warnings))")
            }
        } catch {
            report = Report(valid: false, files: nil, problems: error.problems.map(Entry.init))
            tell(error.problems)
            let errors = error.problems.count { $0.severity == .error }
            if !json { printError("\(printable(main)): not valid: \(count(errors, "error"))") }
        }
        if json { try printJSON(report) }
        if !report.valid { throw ExitCode(2) }
    }

    private func tell(_ problems: [Problem]) {
        if !json { for problem in problems { printError(problem.description) } }
    }

    private func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

    private struct Report: Encodable {
        let schema = 1
        let valid: Bool
        /// The files that were read, the main one first; absent where not all could be.
        let files: [String]?
        let problems: [Entry]
    }

    private struct Entry: Encodable {
        let severity: String
        let file: String
        let line: Int?
        let column: Int?
        let key: String?
        let message: String

        init(_ problem: Problem) {
            severity = problem.severity.rawValue
            file = printable(problem.file)
            line = problem.place?.line
            column = problem.place?.column
            key = problem.key.isEmpty ? nil : problem.key
            message = problem.message
        }
    }
}
