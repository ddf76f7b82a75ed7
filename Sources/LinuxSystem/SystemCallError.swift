public import SystemPackage

/// A system call that failed, told so that a person knows what happened, to what, and why.
///
/// Every wrapper in this module throws it. The command line adds what to do next, where only it can know.
public struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name of the call as its man page has it, for example `openat2`.
    public let call: String
    /// What the program was doing, as the rest of "cannot …": `open the signature folder`.
    public let intent: String
    /// The file, socket or folder it was done to, already escaped for a terminal; empty if there is none.
    public let subject: String
    /// The kernel's answer.
    public let errno: Errno

    /// An error of `call`, made while trying to `intent` `subject`.
    public init(_ call: String, _ intent: String, _ subject: String = "", errno: Errno) {
        self.call = call
        self.intent = intent
        self.subject = subject
        self.errno = errno
    }

    /// One sentence: `cannot open the signature folder /x: No such file or directory (openat2)`.
    public var description: String {
        let to = subject.isEmpty ? "" : " \(subject)"
        return "cannot \(intent)\(to): \(errno) (\(call))"
    }
}
