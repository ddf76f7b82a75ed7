// Kernel interfaces that glibc has no wrapper for, or declares in a way Swift cannot import.
// Nothing here decides anything: a constant with a type, or one system call.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <linux/close_range.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/stat.h>

// openat2(2): glibc 2.36 has no wrapper.
static inline int nodeguard_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

// statx(2): glibc hides it behind _GNU_SOURCE, which Swift's import of glibc does not set.
static inline int nodeguard_statx(int directory, const char *path, int flags, unsigned mask, struct statx *status) {
    return (int)syscall(SYS_statx, directory, path, flags, mask, status);
}
static const int nodeguard_at_empty_path = 0x1000;          // AT_EMPTY_PATH
static const int nodeguard_at_symlink_nofollow = 0x100;     // AT_SYMLINK_NOFOLLOW
static const int nodeguard_o_noatime = 01000000;            // O_NOATIME
static const int nodeguard_o_path = 010000000;              // O_PATH

// getdents64(2): readdir(3) would hide a read error half way in some versions and allocates for each entry.
static inline long nodeguard_getdents64(int directory, void *buffer, size_t size) {
    return syscall(SYS_getdents64, directory, buffer, size);
}

// memfd_create(2), behind _GNU_SOURCE as well.
static inline int nodeguard_memfd_create(const char *name, unsigned flags) {
    return (int)syscall(SYS_memfd_create, name, flags);
}

// ioprio_set(2) and ioprio_get(2): glibc has no wrappers. Constants of <linux/ioprio.h>; `task` 0 is the caller.
static const int nodeguard_ioprio_idle = 3 << 13;           // IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT
static const int nodeguard_ioprio_low = 2 << 13 | 7;        // IOPRIO_CLASS_BE, the last of its eight levels
static inline int nodeguard_ioprio_set(int task, int priority) {
    return (int)syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, task, priority);
}
static inline int nodeguard_ioprio_get(int task) {
    return (int)syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, task);
}

// sched_setscheduler(2) with SCHED_IDLE, behind _GNU_SOURCE; its priority is always 0.
static inline int nodeguard_sched_idle(int task) {
    int priority = 0;
    return (int)syscall(SYS_sched_setscheduler, task, 5 /* SCHED_IDLE */, &priority);
}
static inline int nodeguard_sched_policy(int task) { return (int)syscall(SYS_sched_getscheduler, task); }

// cachestat(2), since Linux 6.5, newer than Debian 12's headers. A length of 0 means up to the end of the file.
struct nodeguard_cachestat_range { uint64_t offset, length; };
struct nodeguard_cachestat { uint64_t cached, dirty, writeback, evicted, recently_evicted; };
static inline int nodeguard_cachestat(int file, struct nodeguard_cachestat_range *range, struct nodeguard_cachestat *status) {
    return (int)syscall(451 /* SYS_cachestat */, file, range, status, 0);
}

// mincore(2) is behind _DEFAULT_SOURCE.
static inline int nodeguard_mincore(void *start, size_t length, unsigned char *pages) {
    return (int)syscall(SYS_mincore, start, length, pages);
}

// mallopt(3): <malloc.h> would draw other headers into this module. Memory up to these sizes stays with the process when it is freed.
extern int mallopt(int parameter, int value);
static inline void nodeguard_keep_freed_memory(int bytes) {
    mallopt(-3 /* M_MMAP_THRESHOLD */, bytes);
    mallopt(-1 /* M_TRIM_THRESHOLD */, bytes);
}

// close_range(2), behind _GNU_SOURCE as well.
static inline int nodeguard_close_range(unsigned first, unsigned last) {
    return (int)syscall(SYS_close_range, first, last, 0);
}

// prctl(2) is variadic.
static inline int nodeguard_prctl(int operation, unsigned long argument) {
    return prctl(operation, argument, 0, 0, 0);
}

// sendmsg(2) of one message and at most one descriptor (-1: none): the CMSG macros cannot be imported.
static inline ssize_t nodeguard_send(int socket, const void *bytes, size_t size, int descriptor, int flags) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
    union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        memset(&control, 0, sizeof(control));
        message.msg_control = control.space;
        message.msg_controllen = sizeof(control.space);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    return sendmsg(socket, &message, flags | MSG_NOSIGNAL);
}

// recvmsg(2) of one message and at most one descriptor (-1: none came). `message_flags` tells of truncation.
// A peer may send more descriptors than one although ours never do: the kernel closes what does not fit. So the length
// given is CMSG_LEN's: CMSG_SPACE, which rounds up, would have room for a second that nobody would ever close.
static inline ssize_t nodeguard_receive(int socket, void *bytes, size_t size, int *descriptor, int *message_flags, int flags) {
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = CMSG_LEN(sizeof(int))};
    *descriptor = -1;
    ssize_t received = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    *message_flags = message.msg_flags;
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int))) {
            memcpy(descriptor, CMSG_DATA(header), sizeof(int));
        }
    }
    return received;
}

// accept4(2), behind _GNU_SOURCE as well. The connection does not block, and is closed in children.
static inline int nodeguard_accept(int socket) {
    return (int)syscall(SYS_accept4, socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

// SO_PEERCRED of unix(7): `struct ucred` is behind _GNU_SOURCE.
static inline int nodeguard_peer(int socket, int32_t *pid, uint32_t *uid, uint32_t *gid) {
    struct { int32_t pid; uint32_t uid, gid; } peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

// The macros of <sys/wait.h> cannot be imported.
static inline int nodeguard_exited(int status) { return (status & 0x7f) == 0; }
static inline int nodeguard_exit_status(int status) { return (status >> 8) & 0xff; }
static inline int nodeguard_signal(int status) { return status & 0x7f; }

// Behind _GNU_SOURCE (glibc 2.34): the child of posix_spawn(3) begins without any descriptor from `first` on.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);
static inline int nodeguard_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

// fork(2): Swift's import marks it unavailable, since only a process with one thread may go on in Swift afterwards.
static inline pid_t nodeguard_fork(void) { return fork(); }

// waitid(2) with WNOWAIT: looks how a child ended and leaves it to be reaped. A status word as of waitpid(2), or -1 where
// it has not ended. siginfo_t is a union.
static inline int nodeguard_peek(pid_t process) {
    siginfo_t info;
    info.si_pid = 0;
    if (waitid(P_PID, (id_t)process, &info, WEXITED | WNOWAIT | WNOHANG) != 0 || info.si_pid == 0) return -1;
    return info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
}

// pidfd_open(2): glibc 2.36 has a wrapper, behind _GNU_SOURCE.
static inline int nodeguard_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

// sigaction(2): the handler is in a union, and SIG_IGN is a cast, that cannot be imported.
static inline int nodeguard_is_ignored(int signal) {
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

// stdio(3): `stdout` is a variable that Swift does not let in.
static inline int nodeguard_output_failed(void) { return fflush(stdout) != 0 || ferror(stdout) != 0; }

// pipe2(2), behind _GNU_SOURCE.
static inline int nodeguard_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }

// f_fsid of statfs(2): its member has a name that differs between C libraries.
static inline uint64_t nodeguard_fsid(struct statfs status) {
    uint64_t id = 0;
    memcpy(&id, &status.f_fsid, sizeof(status.f_fsid) < sizeof(id) ? sizeof(status.f_fsid) : sizeof(id));
    return id;
}

// XFS_IOC_FSGEOMETRY_V1 of the kernel's xfs_fs.h, whose first structure has the UUID at byte 64 of 112.
static inline int nodeguard_xfs_uuid(int file, void *uuid) {
    struct { uint32_t sizes[8]; uint64_t blocks[4]; unsigned char uuid[16]; uint32_t rest[8]; } geometry;
    // _IOR('X', 100, 112 bytes)
    if (syscall(SYS_ioctl, file, 0x80705864UL, &geometry) != 0) return -1;
    memcpy(uuid, geometry.uuid, 16);
    return 0;
}

// renameat2(2), behind _GNU_SOURCE; RENAME_NOREPLACE of <linux/fs.h>.
static inline int nodeguard_rename_no_replace(int from, const char *name, int to, const char *new_name) {
    return (int)syscall(SYS_renameat2, from, name, to, new_name, 1);
}
static const int nodeguard_o_tmpfile = 020200000;           // O_TMPFILE: __O_TMPFILE | O_DIRECTORY

// eventfd(2): a counter that a poll can wait for.
#include <sys/eventfd.h>
static inline int nodeguard_bell(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

// adjtimex(2) without changing anything: the state of the kernel's clock (TIME_ERROR is 5), or -1 with errno.
static inline int nodeguard_clock_state(int *status, long *error_microseconds) {
    struct timex clock;
    memset(&clock, 0, sizeof(clock));
    int state = adjtimex(&clock);
    *status = clock.status;
    *error_microseconds = clock.maxerror;
    return state;
}
