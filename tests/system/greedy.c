// SPDX-License-Identifier: MIT
// greedy open NAME: opens "" of its handle NAME, and of whatever that leads to, until it is
// refused, and keeps all; greedy path NAME: a path below it; greedy nowait NAME: once. Says `full
// COUNT` then, and waits to be killed. Built by the tests with the SDK and added to their image.
#include <stdio.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/status.h>

// Once, and not to wait for its server.
static int open_at_once(ts_handle_t name)
{
    uint64_t value;
    const struct ts_op open = {.op = TS_OP_OPEN,
                               .flags = TS_FLAG_NOWAIT,
                               .rights = TS_RIGHTS_SAME,
                               .address = "",
                               .arg = ts_open_arg(0, 0),
                               .deadline = ts_deadline_in(2 * TS_SECOND)};
    ts_status_t status = ts_op(name, &open, &value);
    printf("at once: %s\n", ts_status_name(status));
    return 0;
}

int main(int argc, char **argv)
{
    ts_handle_t name = argc > 2 ? ts_named_handle(argv[2]) : TS_HANDLE_NONE, session;
    if (name == TS_HANDLE_NONE) {
        puts("usage: greedy open|path NAME");
        return 2;
    }
    if (strcmp(argv[1], "nowait") == 0) {
        return open_at_once(name);
    }
    const char *path = strcmp(argv[1], "path") == 0 ? "nothing" : "";
    unsigned long count = 0;
    uint64_t value;
    ts_status_t status;
    do { // (What a redirect leads to is kept for `path`: a follower would close it.)
        if (path[0]) {
            status = ts_op(name,
                           &(struct ts_op){.op = TS_OP_OPEN,
                                           .rights = TS_RIGHTS_SAME,
                                           .address = path,
                                           .length = strlen(path),
                                           .arg = ts_open_arg(0, 0)},
                           &value);
        } else {
            status = ts_open(name, "", 0, TS_RIGHTS_SAME, &session);
        }
    } while (!status && ++count < 10000);
    printf("full %lu: %s\n", count, ts_status_text(status));
    fflush(stdout);
    for (;;) {
        ts_sleep_until(ts_deadline_in(60 * TS_SECOND));
    }
}
