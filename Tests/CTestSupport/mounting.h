// mount(2) and umount2(2), with MS_* and MNT_DETACH, which Swift cannot import.
#include <sys/mount.h>
static const unsigned long nodeguard_MS_RDONLY = MS_RDONLY;
static const unsigned long nodeguard_MS_REMOUNT = MS_REMOUNT;
static const int nodeguard_MNT_DETACH = MNT_DETACH;
