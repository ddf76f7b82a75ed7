import ArgumentParser

/// `nodeguard completions`: the script that makes a shell complete nodeguard's commands and options.
struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print the completion script of a shell.",
        discussion: """
            The Debian package installs the scripts. Without it, for bash: \
            source <(nodeguard completions bash)
            """
    )

    @Argument(help: "The shell.")
    var shell: Shell

    /// The shells that swift-argument-parser knows.
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    func run() {
        let known: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        print(Nodeguard.completionScript(for: known))
    }
}
