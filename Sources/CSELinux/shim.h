// libselinux's C interface (package libselinux1-dev).
#include <selinux/selinux.h>
