// Sockets to the kernel's own services (netlink(7)), whose address structure Swift cannot build safely.
// One system call each; messages are encoded, decoded and judged in Swift.
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <sys/vfs.h>

// bind(2) to an address the kernel chooses, without multicast groups.
static inline int nodeguard_netlink_bind(int descriptor) {
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    return bind(descriptor, (const struct sockaddr *)&address, sizeof(address));
}

// The port that bind(2) gave the socket, or 0.
static inline uint32_t nodeguard_netlink_port(int descriptor) {
    struct sockaddr_nl address = {0};
    socklen_t length = sizeof(address);
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) return 0;
    return address.nl_pid;
}

// sendto(2) another socket of the same family; port 0 is the kernel.
static inline ssize_t nodeguard_netlink_send(int descriptor, const void *bytes, size_t length, uint32_t port) {
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = port};
    return sendto(descriptor, bytes, length, 0, (const struct sockaddr *)&address, sizeof(address));
}

// recvmsg(2). *sender gets the port of who sent the message (0 is the kernel), *flags the MSG_ flags of the reply.
static inline ssize_t nodeguard_netlink_receive(
    int descriptor, void *buffer, size_t capacity, uint32_t *sender, int *flags) {
    struct sockaddr_nl address = {0};
    struct iovec piece = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {
        .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &piece, .msg_iovlen = 1};
    ssize_t length = recvmsg(descriptor, &message, MSG_DONTWAIT);
    *sender = address.nl_pid;
    *flags = message.msg_flags;
    return length;
}

// statfs(2)'s f_type, whose width differs between architectures; -1 with errno where the call fails.
static inline int64_t nodeguard_filesystem_magic(const char *path) {
    struct statfs about;
    if (statfs(path, &about) != 0) return -1;
    return (int64_t)(uint32_t)about.f_type;
}

// gettid(2), which glibc declares only with _GNU_SOURCE.
#include <sys/syscall.h>
#include <unistd.h>
static inline uint32_t nodeguard_thread_id(void) { return (uint32_t)syscall(SYS_gettid); }
