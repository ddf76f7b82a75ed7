/// The databases of Ethereum clients by the names that hold even where no profile can be read. Profiles add to them and
/// take nothing away. A table that is taken away costs a re-sync of days.
///
/// From the documentation of the clients: how each calls the folder of its database.
enum ChainFolders {
    private static let patterns: [PathGlob] = [
        // geth and its relatives, besu, erigon
        "**/chaindata/**", "**/ancient/**", "**/triedb/**", "**/erigon/snapshots/**", "**/besu/database/**",
        // reth, erigon, nethermind
        "mdbx.dat", "mdbx.lck", "**/static_files/**", "**/nethermind_db/**",
        // lighthouse, teku, prysm, nimbus, lodestar
        "**/chain_db/**", "**/freezer_db/**", "**/blobs_db/**", "**/beacon/db/**", "**/beaconchaindata/**",
        "beaconchain.db", "nbc.sqlite3*", "**/chain-db/**",
        // CometBFT and beacon-kit
        "**/blockstore.db/**", "**/state.db/**", "**/tx_index.db/**", "**/application.db/**", "**/evidence.db/**",
        "**/cs.wal/**",
    ].map(PathGlob.init)

    /// Whether this path is a part of a client's database.
    static func contain(_ path: [UInt8]) -> Bool { patterns.contains { $0.matches(path) } }
}
