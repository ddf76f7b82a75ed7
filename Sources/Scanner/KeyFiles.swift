/// Validators' keys, recognised by their names in every target. They are counted and never opened.
///
/// From the documentation of the clients: where each keeps keystores, their passwords, and what identifies a node.
enum KeyFiles {
    static let patterns: [PathGlob] = [
        // EIP-2335 keystores as the deposit tool names them.
        "keystore-m_12381_*.json",
        // lighthouse
        "**/validators/0x*/voting-keystore.json", "validator_definitions.yml", "slashing_protection.sqlite",
        "**/secrets/0x*", "api-token.txt",
        // nimbus
        "**/validators/0x*/keystore.json",
        // prysm
        "all-accounts.keystore.json", "keymanageropts.json",
        // teku
        "**/validator-keys/**", "**/validator-passwords/**", "**/key-manager/local*/**",
        // lodestar and web3signer
        "**/keystores/0x*/**", "**/keystores/*.json", "**/keystores/*.yaml",
        // geth
        "**/keystore/UTC--*", "**/geth/nodekey", "**/geth/jwtsecret",
        // CometBFT
        "priv_validator_key.json", "priv_validator_state.json", "node_key.json",
    ].map(PathGlob.init)

    /// Whether this path is a key's.
    static func contain(_ path: [UInt8]) -> Bool {
        patterns.contains { $0.matches(path) }
    }
}
