// System calls by which a process gives up rights. glibc hides them behind _GNU_SOURCE, has no wrapper for them, or
// declares them in a way Swift cannot import. Nothing here decides anything.
#include <fcntl.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>
#include <linux/capability.h>

// glibc's own, not the bare system calls: they change every thread of the process.
extern int setgroups(size_t count, const gid_t *groups);
extern int setresuid(uid_t real, uid_t effective, uid_t saved);
extern int setresgid(gid_t real, gid_t effective, gid_t saved);
extern int getresuid(uid_t *real, uid_t *effective, uid_t *saved);
static inline int nodeguard_drop_groups(void) { return setgroups(0, NULL); }
static inline int nodeguard_become_user(uid_t user) { return setresuid(user, user, user); }
static inline int nodeguard_become_group(gid_t group) { return setresgid(group, group, group); }
static inline int nodeguard_is_user(uid_t user) {
    uid_t real, effective, saved;
    return getresuid(&real, &effective, &saved) == 0 && real == user && effective == user && saved == user;
}

// capset(2) and capget(2) of this process; bit N of the mask is capability N.
static inline int nodeguard_set_capabilities(uint64_t mask) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)mask, .permitted = (uint32_t)mask},
        {.effective = (uint32_t)(mask >> 32), .permitted = (uint32_t)(mask >> 32)}};
    return (int)syscall(SYS_capset, &header, data);
}
static inline int nodeguard_get_capabilities(uint64_t *permitted) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    int result = (int)syscall(SYS_capget, &header, data);
    *permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    return result;
}
static inline int nodeguard_keep_effective(uint64_t mask) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    data[0].effective &= (uint32_t)mask;
    data[1].effective &= (uint32_t)(mask >> 32);
    return (int)syscall(SYS_capset, &header, data);
}
static inline int nodeguard_add_effective(uint64_t mask) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    data[0].effective |= data[0].permitted & (uint32_t)mask;
    data[1].effective |= data[1].permitted & (uint32_t)(mask >> 32);
    return (int)syscall(SYS_capset, &header, data);
}
static inline int nodeguard_clear_ambient(void) { return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); }

// unshare(2), with the two flags of <linux/sched.h> that are used.
static inline int nodeguard_unshare(int flags) { return (int)syscall(SYS_unshare, flags); }
static const int nodeguard_new_network = 0x40000000; // CLONE_NEWNET
static const int nodeguard_new_mounts = 0x00020000;  // CLONE_NEWNS

// mount(2): no mount of ours reaches the host, and those that the host lets go are let go here too.
static inline int nodeguard_detach_mounts(void) { return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL); }
static inline int nodeguard_mount_memory(const char *folder, const char *options) {
    return mount("nodeguard", folder, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options);
}

// setrlimit(2): the soft and the hard limit, never to be raised again.
static inline int nodeguard_limit(int resource, uint64_t value) {
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    return setrlimit((__rlimit_resource_t)resource, &limit);
}

static const int nodeguard_locked_memory = RLIMIT_MEMLOCK;
static const int nodeguard_process_count = RLIMIT_NPROC;

// setitimer(2) of the CPU time of this process; 0 stops it. SIGPROF ends the process when it is over.
static inline int nodeguard_cpu_timer(uint64_t milliseconds) {
    struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)(milliseconds / 1000), .tv_usec = (suseconds_t)(milliseconds % 1000 * 1000)}};
    return setitimer(ITIMER_PROF, &timer, NULL);
}

// Landlock, landlock(7): Debian 12's headers do not know its newer rights. The numbers are those of every architecture.
struct nodeguard_landlock_rules { uint64_t files, network, scopes; };
struct nodeguard_landlock_place { uint64_t allowed; int32_t folder; } __attribute__((packed));
static inline int nodeguard_landlock_version(void) { return (int)syscall(444, NULL, 0, 1); }
static inline int nodeguard_landlock_create(const struct nodeguard_landlock_rules *rules, size_t size) {
    return (int)syscall(444, rules, size, 0);
}
static inline int nodeguard_landlock_allow(int rules, uint64_t allowed, int folder) {
    struct nodeguard_landlock_place place = {.allowed = allowed, .folder = folder};
    return (int)syscall(445, rules, 1, &place, 0);
}
static inline int nodeguard_landlock_enter(int rules) { return (int)syscall(446, rules, 0); }
