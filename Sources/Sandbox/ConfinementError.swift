internal import LinuxSystem
internal import SystemPackage

/// A wall of a sandbox that this kernel has and that could not be put up. Nothing hostile is read without it.
public struct ConfinementError: Error, CustomStringConvertible {
    /// The rest of a sentence that begins with the process: `cannot confine itself: …`.
    public let description: String

    /// For this reason.
    public init(_ reason: String) {
        description = "cannot confine itself: \(reason)"
    }

    /// A system call that was refused just now.
    public init(_ call: String, _ intent: String, _ subject: String = "", remedy: String? = nil) {
        let error = SystemCallError(call, intent, subject, errno: .current)
        self.init("\(error)\(remedy.map { "; \($0)" } ?? "")")
    }
}
