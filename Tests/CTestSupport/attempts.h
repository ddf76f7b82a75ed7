// What a taken-over worker of the engine would try, for Tests/FaultyEngine. Each returns 0 where it worked, and else the
// error number; where the sandbox is whole some never return at all.
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static inline int nodeguard_attempt(const char *what) {
    long result = -1;
    errno = 0;
    if (!strcmp(what, "open-passwd")) result = open("/etc/passwd", O_RDONLY);
    else if (!strcmp(what, "open-root")) result = open("/", O_RDONLY | O_DIRECTORY);
    else if (!strcmp(what, "open-proc")) result = open("/proc/self/status", O_RDONLY);
    else if (!strcmp(what, "write-outside")) result = open("/tmp/nodeguard-was-here", O_WRONLY | O_CREAT, 0600);
    else if (!strcmp(what, "write-above")) result = open("../was-here", O_WRONLY | O_CREAT, 0600);
    else if (!strcmp(what, "write-other-slot")) {
        // One of the two is its own.
        int first = open("../slot-0/was-here", O_WRONLY | O_CREAT, 0600);
        int second = open("../slot-1/was-here", O_WRONLY | O_CREAT, 0600);
        result = first >= 0 && second >= 0 ? 0 : -1;
    }
    else if (!strcmp(what, "write-own-slot")) result = open("was-here", O_WRONLY | O_CREAT, 0600);
    else if (!strcmp(what, "big-file")) {
        int file = open("big", O_WRONLY | O_CREAT, 0600);
        result = ftruncate(file, 1LL << 40);
    }
    else if (!strcmp(what, "decode")) {
        // Not refused: a table that glibc would load from a file now, had it not been loaded before.
        result = iconv_open("UTF-8", "CP1251") == (iconv_t)-1 ? -1 : 0;
    }
    else if (!strcmp(what, "socket")) result = socket(AF_INET, SOCK_STREAM, 0);
    else if (!strcmp(what, "socket-unix")) result = socket(AF_UNIX, SOCK_STREAM, 0);
    else if (!strcmp(what, "connect")) {
        struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
        result = connect(3, (struct sockaddr *)&name, sizeof(name));
    }
    else if (!strcmp(what, "ptrace")) result = ptrace(PTRACE_ATTACH, getppid(), 0, 0);
    else if (!strcmp(what, "kill-init")) result = kill(1, 0);
    else if (!strcmp(what, "kill-parent")) result = syscall(SYS_tgkill, 1, 1, 0);
    else if (!strcmp(what, "execve")) result = execl("/bin/true", "true", NULL);
    else if (!strcmp(what, "fork")) result = fork();
    else if (!strcmp(what, "setuid")) result = setuid(0);
    else if (!strcmp(what, "mount")) result = mount("none", ".", "tmpfs", 0, NULL);
    else if (!strcmp(what, "unshare")) result = syscall(SYS_unshare, 0x10000000);
    else if (!strcmp(what, "executable-memory")) {
        result = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
    }
    else if (!strcmp(what, "raise-limit")) {
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        result = setrlimit(RLIMIT_AS, &limit);
    }
    else if (!strcmp(what, "dumpable")) result = prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    else if (!strcmp(what, "rename")) result = rename("a", "b");
    else if (!strcmp(what, "chown")) result = chown(".", 0, 0);
    else if (!strcmp(what, "signal-owner")) result = fcntl(3, F_SETOWN, 1);
    else if (!strcmp(what, "bpf")) result = syscall(SYS_bpf, 0, NULL, 0);
    else if (!strcmp(what, "io_uring")) result = syscall(425, 1, NULL);
    else if (!strcmp(what, "other-architecture")) {
#if defined(__x86_64__)
        // A 32-bit call, getpid.
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
        result = 0;
#else
        raise(SIGSYS);
#endif
    }
    else return ENOSYS;
    return result >= 0 ? 0 : errno;
}

// Memory until there is no more, each megabyte touched; then what a library without memory does.
static inline void nodeguard_take_all_memory(void) {
    while (1) {
        char *memory = malloc(16 << 20);
        if (!memory) abort();
        memory[0] = 1;
    }
}

// Fills the working directory until there is no room, one file after the other. Returns the last error.
static inline int nodeguard_fill_folder(void) {
    static char block[1 << 16];
    memset(block, 0xa5, sizeof(block));
    for (int number = 0; number < 1 << 16; number++) {
        char name[32] = "fill-";
        for (int digit = 0, rest = number; digit < 5; digit++, rest /= 10) name[5 + digit] = (char)('0' + rest % 10);
        int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (file < 0) return errno;
        ssize_t written;
        while ((written = write(file, block, sizeof(block))) > 0) {}
        int error = errno;
        close(file);
        if (error != EFBIG) return error;
        // On disk nothing but each file is capped: a few of them are enough to have tried.
        if (number > 3) return error;
    }
    return 0;
}

// A pointer to nowhere.
static inline void nodeguard_crash(void) { *(volatile int *)8 = 1; }

// Counters shared with every process forked from this one.
static inline unsigned *nodeguard_shared_counters(size_t count) {
    void *memory = mmap(NULL, count * sizeof(unsigned), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}
