// SHA-256 of OpenSSL's libcrypto (package libssl-dev), which libclamav brings to every host anyway.
#include <openssl/crypto.h>
#include <openssl/evp.h>

// Without its configuration file: nothing on the host chooses what our hash is.
static inline int nodeguard_crypto_start(void) {
    return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

// Fetched once: EVP_sha256() has it looked up anew for every hash.
static inline EVP_MD *nodeguard_fetch_sha256(void) { return EVP_MD_fetch(NULL, "SHA256", NULL); }
