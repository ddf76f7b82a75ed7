import Scanner

/// The files of one client as its documentation and sources lay them out: what each is to a validator.
struct ClientTree {
    /// The profile.
    let profile: String
    var secrets: [String] = []
    var records: [String] = []
    var immutable: [String] = []
    var mutable: [String] = []
    /// What is none of the above, and is scanned like anything else.
    var ordinary: [String] = []

    /// Every file with what it is, by its path beneath the client's folder.
    var files: [String: ValidatorFile?] {
        var files: [String: ValidatorFile?] = [:]
        for (names, file) in [
            (secrets, ValidatorFile.key(.secret)), (records, .key(.record)), (immutable, .chainData(.immutable)),
            (mutable, .chainData(.mutable)), (ordinary, nil),
        ] as [([String], ValidatorFile?)] {
            for name in names { files[name] = .some(file) }
        }
        return files
    }

    var keys: [String] { secrets + records }
}

private let key = "0x87a580d31d7bc69069b55f5a01995a610dd391a26dc9e36e81057a17211983a79266800ab8531f21f1083d7d84085007"
private let bare = String(key.dropFirst(2))
private let deposit = "keystore-m_12381_3600_0_0_0-1596485378.json"
private let uuid = "35c07717-c6f3-45e8-976f-ef5d267e86c9"

let clientTrees: [ClientTree] = [
    ClientTree(
        profile: "geth",
        secrets: [
            "keystore/UTC--2026-01-02T03-04-05.678901234Z--7ef5a6135f1fd6a02593eedc869c6d41d934aef8", "geth/nodekey",
            "geth/jwtsecret",
        ],
        immutable: [
            "geth/chaindata/000123.sst", "geth/chaindata/004567.ldb", "geth/chaindata/ancient/chain/bodies.0000.cdat",
            "geth/chaindata/ancient/chain/bodies.cidx", "geth/chaindata/ancient/chain/hashes.0000.rdat",
            "geth/chaindata/ancient/chain/hashes.ridx", "geth/chaindata/ancient/state/history.meta.0000.rdat",
            "geth/chaindata/ancient/chain/era/mainnet-00001-a5364e9a.era1",
        ],
        mutable: [
            "geth/chaindata/000124.log", "geth/chaindata/MANIFEST-000001", "geth/chaindata/CURRENT",
            "geth/chaindata/ancient/chain/bodies.meta", "geth/chaindata/ancient/chain/FLOCK",
            "geth/triedb/merkle.journal", "geth/blobpool/queue/bkt_00000000.bag", "geth/nodes/000001.log",
        ],
        ordinary: ["geth.ipc.txt", "genesis.json", "geth/transactions.rlp", "geth/LOCK", "config.toml"]),
    ClientTree(
        profile: "lighthouse",
        secrets: [
            "validators/\(key)/voting-keystore.json", "validators/\(key)/my-voting-keystore.json",
            "validators/\(key)/\(deposit)", "validators/validator_definitions.yml",
            "validators/.validator_definitions.yml.tmp", "validators/validator_key_cache.json",
            "validators/api-token.txt", "secrets/\(key)", "wallets/\(uuid)/\(uuid)", "beacon/network/key",
            "validator_keys/\(deposit)", "jwt.hex",
        ],
        records: ["validators/slashing_protection.sqlite", "validators/slashing_protection.sqlite-journal"],
        immutable: ["beacon/chain_db/000005.ldb", "beacon/freezer_db/000006.ldb", "beacon/blobs_db/000007.ldb"],
        mutable: [
            "beacon/chain_db/000008.log", "beacon/freezer_db/MANIFEST-000002", "beacon/blobs_db/LOG",
            "beacon/slasher_db/slasher.redb",
        ],
        ordinary: [
            "beacon/network/enr.dat", "beacon/network/metadata", "beacon/logs/beacon.log",
            "validators/logs/validator.log",
            "validator_keys/deposit_data-1596485378.json", "wallets/\(uuid)/.lock",
        ]),
    ClientTree(
        profile: "berachain",
        secrets: ["beacond/config/priv_validator_key.json", "beacond/config/node_key.json", "beacond/config/jwt.hex"],
        records: ["beacond/data/priv_validator_state.json"],
        immutable: [
            "beacond/data/application.db/000010.sst", "beacond/data/blockstore.db/000011.sst",
            "beacond/data/state.db/000012.sst", "beacond/data/tx_index.db/000013.sst",
            "beacond/data/evidence.db/000014.sst", "beacond/data/deposits.db/000015.sst",
            "beacond/data/blobs/123456/0xabcdef.ssz", "beacond/data/cs.wal/wal.000",
        ],
        mutable: [
            "beacond/data/application.db/000016.log", "beacond/data/blockstore.db/MANIFEST-000003",
            "beacond/data/cs.wal/wal",
        ],
        ordinary: [
            "beacond/config/app.toml", "beacond/config/config.toml", "beacond/config/genesis.json",
            "beacond/config/addrbook.json", "beacond/config/kzg-trusted-setup.json", "beacond/data/beacond.pid",
        ]),
    ClientTree(
        profile: "teku",
        secrets: [
            "validator-keys/\(deposit)", "validator-keys/first/mine.json", "validator-passwords/mine.txt",
            "validator/key-manager/local/\(bare).json", "validator/key-manager/local-passwords/\(bare).txt",
            "validator/key-manager/validator-api-bearer", "beacon/kvstore/generated-node-key.dat",
        ],
        records: ["validator/slashprotection/\(bare).yml"],
        immutable: ["beacon/db/000020.ldb", "beacon/db/000021.sst", "beacon/archive/000022.sst"],
        mutable: ["beacon/db/000023.log", "beacon/archive/OPTIONS-000004"],
        ordinary: ["beacon/kvstore/local-enr-seqno.dat", "logs/teku.log", "beacon/db.version", "teku.yaml"]),
    ClientTree(
        profile: "nimbus",
        secrets: ["validators/\(key)/keystore.json", "validators/\(key)/remote_keystore.json", "secrets/\(key)"],
        records: [
            "validators/slashing_protection.sqlite3", "validators/slashing_protection.sqlite3-wal",
            "validators/slashing_protection.sqlite3-shm",
        ],
        immutable: ["era/mainnet-00001-40cf2f3c.era"],
        mutable: ["db/nbc.sqlite3", "db/nbc.sqlite3-wal", "db/nbc.sqlite3-shm"],
        ordinary: ["beacon_node.enr", "validators/\(key)/suggested_fee_recipient.hex"]),
    ClientTree(
        profile: "prysm",
        secrets: [
            "prysm-wallet-v2/direct/accounts/all-accounts.keystore.json", "prysm-wallet-v2/direct/keymanageropts.json",
            "prysm-wallet-v2/auth-token", "network-keys",
        ],
        records: ["direct/validator.db"],
        immutable: [
            "blobs/0xdeadbeef/0.ssz", "blobs/by-epoch/4/123/0xdeadbeef/1.ssz",
            "data-columns/4/123/0xdeadbeef.sszs",
        ],
        mutable: ["beaconchaindata/beaconchain.db", "beaconchaindata/slasher.db"],
        ordinary: ["tosaccepted", "metaData", "prysm.yaml"]),
    ClientTree(
        profile: "lodestar",
        secrets: [
            "keystores/\(key)/voting-keystore.json", "keystores/\(key)/voting-keystore.json.lock", "secrets/\(key)",
            "remoteKeys/\(key).json", "cache/imported_keystores.cache", "validator-db/api-token.txt", "peer-id.json",
        ],
        records: ["validator-db/000030.ldb", "validator-db/MANIFEST-000005", "validator-db/000031.log"],
        immutable: ["chain-db/000032.ldb"],
        mutable: ["chain-db/000033.log", "chain-db/CURRENT"],
        ordinary: ["enr", "beacon.config.json", "beacon.log"]),
    ClientTree(
        profile: "besu",
        secrets: ["besu/key", "besu/jwt.hex"],
        immutable: ["besu/database/000040.sst", "besu/database/000041.blob", "data/database/000042.sst"],
        mutable: [
            "besu/database/000043.log", "besu/database/CURRENT", "data/database/MANIFEST-000006",
            "besu/caches/logBloom-0.cache",
        ],
        ordinary: ["besu/key.pub", "besu/VERSION_METADATA.json", "besu/DATABASE_METADATA.json", "besu/txpool.dump"]),
    ClientTree(
        profile: "nethermind",
        secrets: [
            "keystore/node.key.plain", "keystore/UTC--2026-06-20T15-18-00.581563000Z--abcdef", "keystore/jwt-secret",
            "keystore/protection_keys/key-1.xml",
        ],
        immutable: ["nethermind_db/mainnet/state/0/000050.sst", "nethermind_db/mainnet/blocks/000051.blob"],
        mutable: ["nethermind_db/mainnet/state/0/000052.log", "nethermind_db/mainnet/receipts/MANIFEST-000007"],
        ordinary: ["logs/mainnet.logs.txt", "keystore/README.md"]),
    ClientTree(
        profile: "reth",
        secrets: ["discovery-secret", "jwt.hex"],
        immutable: [
            "static_files/static_file_headers_0_499999", "static_files/static_file_headers_0_499999.off",
            "static_files/static_file_receipts_0_499999.conf", "rocksdb/000060.sst",
        ],
        mutable: ["db/mdbx.dat", "db/mdbx.lck", "rocksdb/000061.log", "blobstore/0xabc", "exex/wal/1.wal"],
        ordinary: ["reth.toml", "known-peers.json", "db/database.version", "txpool-transactions-backup.rlp"]),
    ClientTree(
        profile: "erigon",
        secrets: ["nodekey", "jwt.hex"],
        immutable: [
            "snapshots/v1.0-000000-000500-headers.seg", "snapshots/v1.0-000000-000500-headers.idx",
            "snapshots/domain/v1.0-accounts.0-64.kv", "snapshots/history/v1.0-accounts.0-64.v",
            "snapshots/idx/v1.0-accounts.0-64.ef", "snapshots/accessor/v1.0-accounts.0-64.vi",
            "snapshots/caplin/v1.0-000000-000500-beaconblocks.seg",
        ],
        mutable: ["chaindata/mdbx.dat", "chaindata/mdbx.lck", "txpool/mdbx.dat", "caplin/blobs/1/2"],
        ordinary: ["logs/erigon.log", "LOCK", "snapshots/preverified.toml"]),
    ClientTree(
        profile: "web3signer",
        secrets: [
            "web3signer/keys/\(bare).yaml", "web3signer/keys/\(bare).json", "web3signer/keys/\(bare).password",
            "keystores/\(bare).json", "keystores/\(bare).txt", "web3signer/secrets/\(bare)",
        ],
        ordinary: ["web3signer/config.yaml", "web3signer/web3signer.ports"]),
]

/// What is common on any machine, with names that come near those of keys and chain data.
let everydayFiles = [
    "etc/ssl/private/server.key", "home/ann/secrets/notes.txt", "srv/www/keys/index.json", "usr/share/keystore/README",
    "home/ann/validators/list.json", "home/ann/database/photos.db", "opt/app/data/state.db", "opt/app/config/app.toml",
    "var/log/geth/geth.log", "home/ann/mail/inbox.ldb", "home/ann/.config/browser/Default/000003.ldb",
    "opt/app/data/000001.sst", "opt/app/blobs/picture.bin", "home/ann/keystore-manual.pdf", "opt/app/auth-token",
    "opt/app/key", "srv/www/validators.json", "opt/app/cache/index.cache", "usr/lib/snapshots/readme.txt",
]
