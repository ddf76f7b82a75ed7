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

// UDP sockets by numeric address, for tests that count packets. -1 with errno where a call fails.
#include <arpa/inet.h>
#include <net/if.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
static inline int nodeguard_udp(const char *address, uint16_t port, int receives) {
    union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } to;
    memset(&to, 0, sizeof(to));
    if (inet_pton(AF_INET, address, &to.v4.sin_addr) == 1) {
        to.v4.sin_family = AF_INET;
        to.v4.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, address, &to.v6.sin6_addr) == 1) {
        to.v6.sin6_family = AF_INET6;
        to.v6.sin6_port = htons(port);
    } else {
        return -1;
    }
    socklen_t length = to.any.sa_family == AF_INET ? sizeof(to.v4) : sizeof(to.v6);
    int descriptor = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    int on = 1, size = 64 << 20;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(descriptor, SOL_SOCKET, 33 /* SO_RCVBUFFORCE */, &size, sizeof(size));
    int failed = receives ? bind(descriptor, &to.any, length) : connect(descriptor, &to.any, length);
    if (failed) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

// connect(2) of a bound UDP socket to a numeric IPv4 address.
static inline int nodeguard_udp_connect(int descriptor, const char *address, uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) return -1;
    return connect(descriptor, (struct sockaddr *)&to, sizeof(to));
}

// A socket that sees every packet an interface receives, from the IP header on (packet(7)).
static inline int nodeguard_sniffer(const char *interface) {
    int descriptor = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(0x0003));
    if (descriptor < 0) return -1;
    int size = 64 << 20;
    setsockopt(descriptor, SOL_SOCKET, 33 /* SO_RCVBUFFORCE */, &size, sizeof(size));
    struct sockaddr_ll place = {
        .sll_family = AF_PACKET, .sll_protocol = htons(0x0003), .sll_ifindex = (int)if_nametoindex(interface)};
    if (place.sll_ifindex == 0 || bind(descriptor, (struct sockaddr *)&place, sizeof(place)) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

// Receives one UDP packet and sends it back to where it came from. -1 with errno where there is none.
static inline ssize_t nodeguard_echo(int descriptor) {
    char buffer[2048];
    struct sockaddr_storage from;
    socklen_t length = sizeof(from);
    ssize_t size = recvfrom(descriptor, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &length);
    if (size >= 0) sendto(descriptor, buffer, (size_t)size, 0, (struct sockaddr *)&from, length);
    return size;
}

// A socket that hears of changes to IPv4 routes (RTMGRP_IPV4_ROUTE), for measuring how fast others hear of them.
#include <linux/netlink.h>
static inline int nodeguard_route_listener(void) {
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 0x40};
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) return -1;
    return descriptor;
}
