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

// setns(2), with CLONE_NEWNET of <linux/sched.h>.
extern int setns(int descriptor, int type);
static const int nodeguard_CLONE_NEWNET = 0x40000000;

// A tun interface of the calling thread's network namespace (tun(4)): the descriptor whose holder gives it its carrier,
// or -1 with errno. It carries bare IP packets, and is gone with the descriptor.
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/if_tun.h>
static inline int nodeguard_open_tun(const char *name) {
    struct {
        char name[16];
        short flags;
        char rest[22];
    } request = {.flags = IFF_TUN | IFF_NO_PI};
    strncpy(request.name, name, sizeof(request.name) - 1);
    int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return -1;
    if (ioctl(descriptor, TUNSETIFF, &request) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}
