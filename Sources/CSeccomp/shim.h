// libseccomp's C interface (package libseccomp-dev). Imported by Sandbox alone.
#include <seccomp.h>
#include <stdint.h>

// A macro with a cast, which Swift does not import: refuse the call with this error number.
static inline uint32_t nodeguard_refuse(uint32_t error) { return SCMP_ACT_ERRNO(error); }
