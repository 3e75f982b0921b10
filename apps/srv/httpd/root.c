// SPDX-License-Identifier: MIT
#include "root.h"

#include <string.h>

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "httpd.h"

#define OPEN_NS (10 * TS_SECOND) // for the server to be started again
#define RIGHTS  (TS_RIGHT_OPEN | TS_RIGHT_READ | TS_RIGHT_MAP)

static struct {
    const char *path;
    struct ts_async opening;
    ts_handle_t at; // where a redirect leads; the handle "file" before the first
    uint32_t consumed, redirects;
    struct root_waiter *waiters;
} root;

void root_init(const char *path)
{
    root.path = path;
}

static void finish(ts_status_t status)
{
    struct root_waiter *waiter = root.waiters;
    root.waiters = NULL;
    ts_close(root.at);
    root.at = TS_HANDLE_NONE;
    while (waiter != NULL) {
        struct root_waiter *next = waiter->next;
        waiter->ready(waiter, status);
        waiter = next;
    }
}

static void open_rest(void)
{
    ts_handle_t at = root.at != TS_HANDLE_NONE ? root.at : ts_named_handle(TS_NAME_FILE);
    const char *rest = root.path + root.consumed;
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &root.opening);
    if (slot == NULL) {
        finish(TS_ERR_LIMIT);
        return;
    }
    ts_prepare_open(slot, at, rest, (uint32_t)strlen(rest), TS_OPEN_DIRECTORY, RIGHTS,
                    ts_loop_now(&httpd.loop) + OPEN_NS, ts_async_data(&root.opening));
}

static void on_open(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    if (event->status != TS_OK) {
        finish(event->status);
        return;
    }
    ts_handle_t handle = (ts_handle_t)event->value;
    if ((event->flags & TS_EVENT_REDIRECT) == 0) {
        ts_close(httpd.root);
        httpd.root = handle;
        finish(TS_OK);
        return;
    }
    ts_close(root.at);
    root.at = handle;
    if (event->extra > strlen(root.path) - root.consumed || ++root.redirects > TS_REDIRECTS_MAX) {
        finish(TS_ERR_LOOP);
        return;
    }
    root.consumed += (uint32_t)event->extra;
    open_rest();
}

void root_open(struct root_waiter *waiter)
{
    waiter->next = root.waiters;
    root.waiters = waiter;
    if (root.opening.busy)
        return;
    root.opening.done = on_open;
    root.consumed = root.redirects = 0;
    open_rest();
}
