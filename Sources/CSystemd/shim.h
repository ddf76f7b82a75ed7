// libsystemd's C interface (package libsystemd-dev).
// Without this definition sd-journal.h turns sd_journal_sendv into a macro that Swift cannot import.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <systemd/sd-daemon.h>
