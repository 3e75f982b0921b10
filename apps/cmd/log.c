// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include "command.h"
#include "system.h"

#define FOLLOW_NS (200 * TS_MILLISECOND)

#define LOG_BYTES (1u << 20) // more than the kernel keeps

// Prints what follows byte *cursor. The kernel begins at the oldest byte it has when those asked
// for are gone, so where a read ended is known only if nothing was written meanwhile: then again.
static ts_status_t show(ts_handle_t log, uint64_t *cursor)
{
    static char buffer[LOG_BYTES];
    size_t bytes = 0;
    uint64_t before, after;
    int attempts = 8;
    do {
        ts_status_t status = ts_get_u64(log, TS_PROPERTY_SIZE, &before);
        if (status == TS_OK) {
            status = ts_read(log, buffer, sizeof(buffer), *cursor, TS_DEADLINE_NONE, &bytes);
        }
        if (status == TS_OK) {
            status = ts_get_u64(log, TS_PROPERTY_SIZE, &after);
        }
        if (status != TS_OK) {
            return status;
        }
    } while (before != after && --attempts);
    fwrite(buffer, 1, bytes, stdout);
    *cursor = after;
    return TS_OK;
}

// One line of these words, as much as fits.
static ts_status_t add_line(ts_handle_t log, char **words)
{
    char line[240];
    size_t length = 0;
    for (char **word = words; *word != NULL && length < sizeof(line) - 1; word++) {
        int step =
            snprintf(line + length, sizeof(line) - length, "%s%s", word == words ? "" : " ", *word);
        length += (size_t)step;
    }
    if (length >= sizeof(line)) {
        length = sizeof(line) - 1;
    }
    return ts_write_all_current(log, line, length);
}

int main(int argc, char **argv)
{
    command_begin(argc, argv,
                  "log [-f | WORD…]\nPrints the system's log. -f: follow new lines; "
                  "WORD…: add a line.\n");
    ts_handle_t log = ts_named_handle(TS_NAME_LOG);
    if (!log) {
        return command_status("no handle `log`", TS_ERR_NOT_FOUND);
    }
    int index;
    bool follow = command_options(argc, argv, "f", &index) != 0;
    if (follow && index < argc) {
        command_usage();
    }
    if (index < argc) {
        ts_status_t status = add_line(log, argv + index);
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
