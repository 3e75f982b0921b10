// SPDX-License-Identifier: MIT
#include <tessera/abi/ring.h>
#include <tessera/lib/op.h>
#include <tessera/lib/opening.h>

static void finish(struct ts_opening *opening, ts_status_t status, ts_handle_t handle)
{
    ts_close(opening->at);
    opening->at = TS_HANDLE_NONE;
    opening->done(opening, status, handle);
}

static void open_rest(struct ts_opening *opening)
{
    struct ts_submission *slot = ts_loop_begin(opening->loop, &opening->async);
    if (slot == NULL) {
        finish(opening, TS_ERR_AGAIN, TS_HANDLE_NONE);
        return;
    }
    ts_prepare_open(slot, opening->at ? opening->at : opening->root,
                    opening->path + opening->consumed, opening->length - opening->consumed,
                    opening->flags, opening->rights | TS_RIGHT_OPEN, opening->deadline,
                    ts_async_data(&opening->async));
}

static void on_open(struct ts_async *async, const struct ts_event *event)
{
    struct ts_opening *opening =
        (struct ts_opening *)(void *)((char *)async - offsetof(struct ts_opening, async));
    ts_handle_t handle = event->status ? TS_HANDLE_NONE : (ts_handle_t)event->value;
    bool redirected = !event->status && (event->flags & TS_EVENT_REDIRECT);
    // The server that was found on the way is gone; the one that led there knows of another.
    bool anew = event->status == TS_ERR_PEER_CLOSED && opening->at;
    if (!redirected && !anew) {
        finish(opening, event->status, handle);
        return;
    }
    ts_close(opening->at);
    opening->at = handle;
    if (++opening->steps > TS_REDIRECTS_MAX) {
        finish(opening, anew ? event->status : TS_ERR_LOOP, TS_HANDLE_NONE);
    } else if (redirected && event->extra > opening->length - opening->consumed) {
        finish(opening, TS_ERR_PROTOCOL, TS_HANDLE_NONE);
    } else {
        opening->consumed = anew ? 0 : opening->consumed + (uint32_t)event->extra;
        open_rest(opening);
    }
}

void ts_opening_begin(struct ts_opening *opening)
{
    opening->async.done = on_open;
    opening->at = TS_HANDLE_NONE;
    opening->consumed = opening->steps = 0;
    open_rest(opening);
}
