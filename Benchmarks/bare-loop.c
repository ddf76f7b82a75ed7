// The least that a scan with libclamav costs: one process, one thread, one call a file. What is measured against it is
// how much of a core's throughput nodeguard leaves to libclamav.
//
//   bare-loop SIGNATURES <LIST     LIST: one path a line. Prints bytes, files, CPU seconds to load and to scan.
#include <clamav.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static double cpu(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

int main(int count, char **arguments) {
    unsigned signatures = 0;
    if (count != 2 || cl_init(CL_INIT_DEFAULT) != CL_SUCCESS) return 64;
    struct cl_engine *engine = cl_engine_new();
    // The limits of nodeguard's engine.
    cl_engine_set_num(engine, CL_ENGINE_MAX_FILESIZE, 2147483647LL);
    cl_engine_set_num(engine, CL_ENGINE_MAX_SCANSIZE, 4294967296LL);
    cl_engine_set_num(engine, CL_ENGINE_PCRE_MAX_FILESIZE, 2147483647LL);
    if (cl_load(arguments[1], engine, &signatures, CL_DB_STDOPT) || cl_engine_compile(engine)) return 1;
    double loaded = cpu();
    struct cl_scan_options options = {
        .general = CL_SCAN_GENERAL_ALLMATCHES | CL_SCAN_GENERAL_HEURISTICS, .parse = ~0u,
        .heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE
            | CL_SCAN_HEURISTIC_ENCRYPTED_DOC};
    unsigned long long bytes = 0, files = 0, found = 0;
    char path[8192];
    while (fgets(path, sizeof(path), stdin)) {
        path[strcspn(path, "\n")] = 0;
        int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;
        if (file < 0 || fstat(file, &status) != 0) continue;
        const char *name = NULL;
        unsigned long scanned = 0;
        if (cl_scandesc_callback(file, NULL, &name, &scanned, engine, &options, NULL) == CL_VIRUS) found++;
        bytes += status.st_size;
        files++;
        close(file);
    }
    printf("%llu %llu %llu %.3f %.3f\n", bytes, files, found, loaded, cpu() - loaded);
    return 0;
}
