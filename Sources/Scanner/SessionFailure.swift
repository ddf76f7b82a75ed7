/// Why a session cannot scan at all, or cannot go on. A sentence for a person, with the remedy.
public struct SessionFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
