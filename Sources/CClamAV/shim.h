// libclamav's C interface (package libclamav-dev). Imported by nodeguard-engine alone.
#include <clamav.h>
