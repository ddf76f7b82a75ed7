/// Validators' keys, recognised by their names in every target. They are counted and never opened.
public enum KeyFiles {
    /// What a key file is good for.
    public enum Kind: Hashable, Sendable {
        /// Who reads it can sign or speak in the validator's or node's name: keys, their passwords, tokens.
        case secret
        /// No secret, but who writes it can have the validator slashed: what was signed already.
        case record
    }

    /// The patterns that hold even where no profile can be read. Profiles add to them and take nothing away.
    ///
    /// From the documentation of the clients, as config/profiles names it file by file.
    static let builtInSecrets = [
        // EIP-2335 keystores as the deposit tool names them.
        "keystore-m_12381_*.json",
        // lighthouse
        "**/validators/0x*/*keystore*.json", "validator_definitions.yml", "**/secrets/0x*", "api-token.txt",
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
        "priv_validator_key.json", "node_key.json",
    ]

    /// The same for what was signed already.
    static let builtInRecords = ["slashing_protection.sqlite", "priv_validator_state.json"]
}
