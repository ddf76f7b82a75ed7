/// A client's copy of the chain, recognised by its place and name in every target: reported, never set aside.
///
/// Antivirus has flagged tables of geth by chance, and putting them into quarantine has forced clients to download the
/// whole chain again (go-ethereum issue 15189).
public enum ChainData: Hashable, Sendable {
    /// Written once and then left alone, or only ever appended to: a second look finds what the first one found.
    case immutable
    /// A database that changes in place while its client runs.
    case mutable
}
