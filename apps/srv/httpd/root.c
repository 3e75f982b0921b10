// SPDX-License-Identifier: MIT
#include "root.h"

#include <string.h>

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/opening.h>

#include "httpd.h"

#define OPEN_NS (10 * TS_SECOND) // for the server to be started again
#define RIGHTS  (TS_RIGHT_OPEN | TS_RIGHT_READ | TS_RIGHT_MAP)

static struct {
    const char *path;
    ts_handle_t handle;
    struct ts_opening opening;
    struct root_waiter *waiters;
} root;

void root_init(const char *path)
{
    root.path = path;
}

ts_handle_t root_handle(void)
{
    return root.handle;
}

static void on_open(struct ts_opening *opening, ts_status_t status, ts_handle_t handle)
{
    struct root_waiter *waiter = root.waiters;
    (void)opening;
    root.waiters = NULL;
    if (status == TS_OK) {
        ts_loop_close(&httpd.loop, root.handle); // a file may be about to be opened in it
        root.handle = handle;
    }
    while (waiter != NULL) {
        struct root_waiter *next = waiter->next;
        waiter->ready(waiter, status);
        waiter = next;
    }
}

void root_open(struct root_waiter *waiter)
{
    waiter->next = root.waiters;
    root.waiters = waiter;
    if (ts_opening_busy(&root.opening)) {
        return;
    }
    root.opening = (struct ts_opening){.loop = &httpd.loop,
                                       .root = ts_named_handle(TS_NAME_FILE),
                                       .path = root.path,
                                       .length = (uint32_t)strlen(root.path),
                                       .flags = TS_OPEN_DIRECTORY,
                                       .rights = RIGHTS,
                                       .deadline = ts_loop_now(&httpd.loop) + OPEN_NS,
                                       .done = on_open};
    ts_opening_begin(&root.opening);
}
