// Functions of glibc that its headers only declare with _GNU_SOURCE, which Swift's Glibc module does not define.
#include <spawn.h>

// pipe(2); flags as in <fcntl.h>.
extern int pipe2(int ends[2], int flags);

// memfd_create(2), with MFD_CLOEXEC of <linux/memfd.h>.
extern int memfd_create(const char *name, unsigned int flags);
static const unsigned int nodeguard_MFD_CLOEXEC = 1U;

// posix_spawn_file_actions_addclosefrom_np(3), since glibc 2.34.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

// posix_spawn_file_actions_addchdir_np(3), since glibc 2.29.
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
