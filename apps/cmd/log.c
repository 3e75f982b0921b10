// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include "command.h"
#include "system.h"

#define FOLLOW_NS (200 * TS_MILLISECOND)

// Reads from *cursor to the end. A position that the log has forgotten reads from its oldest line.
static ts_status_t show(ts_handle_t log, uint64_t *cursor)
{
    char buffer[4096];
    for (;;) {
        size_t bytes;
        ts_status_t status = ts_read(log, buffer, sizeof buffer, *cursor, TS_DEADLINE_NONE, &bytes);
        if (status != TS_OK || bytes == 0) {
            return status;
        }
        fwrite(buffer, 1, bytes, stdout);
        *cursor += bytes;
    }
}

int main(int argc, char **argv)
{
    command_begin(argc, argv,
                  "log [-f | WORD…]\nPrints the system's log. -f: goes on with what "
                  "comes; WORD…: adds a line.\n");
    ts_handle_t log = ts_named_handle(TS_NAME_LOG);
    if (!log) {
        return command_status("no handle `log`", TS_ERR_NOT_FOUND);
    }
    bool follow = argc == 2 && !strcmp(argv[1], "-f");
    if (argc > 1 && !follow) {
        char line[240];
        size_t length = 0;
        for (int i = 1; i < argc; i++) {
            int step =
                snprintf(line + length, sizeof line - length, "%s%s", i > 1 ? " " : "", argv[i]);
            length += (size_t)step;
            if (length >= sizeof line) {
                length = sizeof line - 1;
                break;
            }
        }
        ts_status_t status = ts_write_all_current(log, line, length);
        return status == TS_OK ? 0 : command_status("log", status);
    }
    uint64_t cursor = 0;
    ts_status_t status = show(log, &cursor);
    while (follow && status == TS_OK) {
        fflush(stdout);
        ts_sleep_until(ts_deadline_in(FOLLOW_NS));
        status = show(log, &cursor);
    }
    return status == TS_OK ? command_end(0) : command_status("log", status);
}
