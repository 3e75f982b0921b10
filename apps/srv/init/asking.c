// SPDX-License-Identifier: MIT
#include "asking.h"
#include <string.h>
#include <tessera/lib/clock.h>
#include "init.h"

static void ask_done(struct ts_async *async, const struct ts_event *event)
{
    struct asking *asking = TS_OBJECT_OF(async, struct asking, async);
    ts_status_t status = event->status;
    ts_handle_t handle = status != TS_OK ? TS_HANDLE_NONE : (ts_handle_t)event->value;
    asking->redirected = status == TS_OK && (event->flags & TS_EVENT_REDIRECT);
    if (asking->redirected && event->extra != asking->length) {
        ts_close(handle); // init follows nobody
        handle = TS_HANDLE_NONE;
        status = TS_ERR_PROTOCOL;
    }
    asking->done(asking, status, handle);
}

void ask_session(struct asking *asking, struct service *target, const char *path,
                 ts_time_t deadline)
{
    asking->target = target;
    asking->instance = target->instance;
    asking->length = (uint32_t)strlen(path);
    asking->async.done = ask_done;
    struct ts_submission *submission = ts_loop_begin(&init.loop, &asking->async);
    if (submission == NULL) {
        asking->done(asking, TS_ERR_AGAIN, TS_HANDLE_NONE);
        return;
    }
    ts_prepare_open(submission, target->root, path, asking->length, 0, TS_RIGHTS_SAME, deadline,
                    ts_async_data(&asking->async));
}
