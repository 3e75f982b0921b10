// SPDX-License-Identifier: MIT
// eavesdrop: opens a terminal session of its own beside the shell's, and reads what is typed for a
// second. Built by the tests with the SDK; opening `serial` takes the right to steer services.
#include <stdio.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/status.h>
#include <tessera/proto/console.h>

int main(void)
{
    char bytes[64];
    size_t got = 0;
    uint64_t events = 0;
    ts_handle_t session;
    ts_status_t status = ts_open(ts_named_handle("control"), "serial", 0, TS_RIGHTS_SAME, &session);
    printf("listens: %s\n", ts_status_name(status));
    printf("mode: %s\n", ts_status_name(ts_set_u64(session, TS_PROPERTY_CONSOLE_MODE, 0)));
    fflush(stdout);
    status = ts_read(session, bytes, sizeof(bytes), 0, ts_deadline_in(TS_SECOND), &got);
    printf("heard %zu bytes: %s\n", got, ts_status_name(status));
    status = ts_get_u64(session, TS_PROPERTY_CONSOLE_EVENTS, &events);
    printf("events %llu: %s\n", (unsigned long long)events, ts_status_name(status));
    return 0;
}
