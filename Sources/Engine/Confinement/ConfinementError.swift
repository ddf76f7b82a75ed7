internal import LinuxSystem
internal import SystemPackage

/// A wall of the sandbox that this kernel has and that could not be put up. Nothing is scanned without it.
struct ConfinementError: Error, CustomStringConvertible {
    let description: String

    /// A sentence of its own.
    init(_ description: String) {
        self.description = description
    }

    /// A system call that was refused just now.
    init(_ call: String, _ intent: String, _ subject: String = "", remedy: String? = nil) {
        let error = SystemCallError(call, intent, subject, errno: .current)
        description = "the engine cannot confine itself: \(error)\(remedy.map { "; \($0)" } ?? "")"
    }
}
