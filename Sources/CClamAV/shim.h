// libclamav's C interface (package libclamav-dev). Imported by nodeguard-engine alone.
#include <clamav.h>

#include <stdlib.h>
// cl_scan_options and the callbacks import as they are; libclamav's own SHA-256 does not declare its buffer sizes.
static inline int nodeguard_sha256(const void *bytes, size_t size, unsigned char digest[32]) {
    return cl_sha256(bytes, size, digest, NULL) != NULL;
}
