// SPDX-License-Identifier: MIT
// See servers.h.
#include "servers.h"

#include "tap.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/process.h>

// Those that bombs ask for something. Others take and give handles as they please.
static const char *const names[] = {"init", "memfs", "pipes", "netd"};

static bool is_one(const char *name)
{
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t handles_of(ts_handle_t job, const struct ts_file_entry *entry)
{
    struct ts_process_statistics statistics = {0};
    ts_handle_t process;
    char id[24] = {0};
    memcpy(id, entry->name, entry->name_length < sizeof(id) ? entry->name_length : 0);
    if (ts_open(job, id, 0, TS_RIGHTS_SAME, &process) != TS_OK) {
        return 0; // it has ended since
    }
    (void)ts_process_statistics(process, &statistics);
    ts_close(process);
    return is_one(statistics.name) ? statistics.handles : 0;
}

uint64_t servers_handles(void)
{
    static _Alignas(8) char buffer[8192];
    size_t bytes, position = 0;
    uint64_t sum = 0;
    ts_handle_t job = ts_named_handle("system");
    const struct ts_file_entry *entry;
    ts_status_t status = ts_list(job, buffer, sizeof(buffer), 0, &bytes);
    while (status == TS_OK &&
           ((entry = ts_listing_next(buffer, bytes, &position, &status)) != NULL)) {
        sum += handles_of(job, entry);
    }
    CHECK_OK(status);
    return sum;
}

bool servers_are_back(uint64_t handles)
{
    ts_time_t until = ts_deadline_in(2 * TS_SECOND);
    uint64_t now;
    while ((now = servers_handles()) > handles && ts_clock_now() < until) {
        ts_sleep_until(ts_deadline_in(10 * TS_MILLISECOND));
    }
    if (now > handles) {
        tap_note("servers have %lu handles, %lu before", (unsigned long)now,
                 (unsigned long)handles);
    }
    return now <= handles;
}
