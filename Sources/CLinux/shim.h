// Kernel interfaces that glibc has no wrapper for, or declares in a way Swift cannot import.
// Nothing here decides anything: a constant with a type, or one system call.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
#include <linux/openat2.h>

// openat2(2): glibc 2.36 has no wrapper.
static inline int nodeguard_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}
