// A foreground that is like a validator: a hundred times a second it writes 4 KiB, has them on the disk (fsync), and reads
// 4 KiB from a random place of a large file. A duty that is not done when the next is due is missed.
//
//   duty FOLDER SECONDS SEED      FOLDER has a large file "state". Prints: duties missed p50 p90 p99 max (milliseconds).
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const long long period = 10000000;

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    long long left = *(const long long *)a, right = *(const long long *)b;
    return (left > right) - (left < right);
}

int main(int count, char **arguments) {
    if (count != 4 || chdir(arguments[1]) != 0) return 64;
    int journal = open("journal", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int state = open("state", O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (journal < 0 || state < 0 || fstat(state, &status) != 0) return 1;
    long duties = atol(arguments[2]) * 100, missed = 0;
    unsigned long long random = strtoull(arguments[3], NULL, 10) * 2 + 1;
    long long *took = calloc(duties, sizeof(*took));
    char block[4096];
    memset(block, 42, sizeof(block));
    long long due = now() + period;
    for (long duty = 0; duty < duties; duty++, due += period) {
        struct timespec at = {due / 1000000000, due % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        if (pwrite(journal, block, sizeof(block), (duty % 512) * 4096) != sizeof(block) || fsync(journal) != 0) return 1;
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        off_t place = (off_t)((random >> 20) % (status.st_size / 4096)) * 4096;
        // Not from the page cache: a node's state does not fit into memory.
        posix_fadvise(state, place, 4096, POSIX_FADV_DONTNEED);
        if (pread(state, block, sizeof(block), place) != sizeof(block)) return 1;
        took[duty] = now() - due;
        if (took[duty] > period) missed++;
    }
    qsort(took, duties, sizeof(*took), ascending);
    printf("%ld %ld %.3f %.3f %.3f %.3f\n", duties, missed, took[duties / 2] / 1e6, took[duties * 9 / 10] / 1e6,
        took[duties * 99 / 100] / 1e6, took[duties - 1] / 1e6);
    return 0;
}
