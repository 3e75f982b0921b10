// SPDX-License-Identifier: MIT
#include "journal.h"

#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>

#define LOOK_NS   (300 * TS_MILLISECOND) // nothing new for so long: it has booted
#define LATEST_NS (3 * TS_SECOND)
#define RETRY_NS  TS_MILLISECOND // while the kernel draws a line

static void go_on(struct journal *j)
{
    struct ts_submission *submission = ts_loop_begin(j->screen->loop, &j->async);
    if (submission == NULL) {
        ts_log("the log is shown no further: %s", ts_status_name(TS_ERR_AGAIN));
    } else if (j->waits) {
        ts_prepare_wait(submission, j->log, TS_SIGNAL_READABLE, TS_DEADLINE_NONE,
                        ts_async_data(&j->async));
    } else {
        ts_prepare_read(submission, j->log, j->bytes, sizeof(j->bytes), j->cursor, TS_DEADLINE_NONE,
                        ts_async_data(&j->async));
    }
}

static void take(struct journal *j)
{
    ts_status_t status = ts_call_bytes(j->log, TS_LOG_RELEASE_SCREEN, NULL, 0, NULL, 0, NULL);
    if (status == TS_ERR_AGAIN) {
        ts_timer_arm(j->screen->loop, &j->look, ts_loop_now(j->screen->loop) + RETRY_NS);
        return;
    }
    if (status == TS_OK) {
        status = screen_take(j->screen);
    }
    if (status != TS_OK) {
        j->failed = true;
        ts_log("the screen is not shown: %s", ts_status_name(status));
    }
}

static void on_done(struct ts_async *async, const struct ts_event *event)
{
    struct journal *j = TS_OBJECT_OF(async, struct journal, async);
    if (event->status != TS_OK) {
        ts_log("the log is shown no further: %s", ts_status_name(event->status));
    } else if (!j->waits) {
        screen_log(j->screen, j->bytes, event->value);
        j->cursor = event->extra;
        j->waits = event->value == 0;
        if (j->waits && !j->screen->taken && !j->failed) {
            take(j); // the first console has all of it
        }
    } else {
        j->waits = false;
    }
    if (event->status == TS_OK) {
        go_on(j);
    }
}

// Lines are read once they have stopped coming: each would cost what boots some time.
static void on_look(struct ts_timer *timer)
{
    struct journal *j = TS_OBJECT_OF(timer, struct journal, look);
    ts_time_t now = ts_loop_now(j->screen->loop);
    uint64_t size = 0;
    ts_status_t status = ts_get_u64(j->log, TS_PROPERTY_SIZE, &size);
    if (j->async.busy) { // all has been read, but the kernel was drawing
        take(j);
    } else if (status != TS_OK || size == j->size || now >= j->latest) {
        go_on(j);
    } else {
        j->size = size;
        ts_timer_arm(j->screen->loop, timer, now + LOOK_NS);
    }
}

void journal_start(struct journal *j, struct screen *screen, ts_handle_t log)
{
    *j = (struct journal){.screen = screen,
                          .log = log,
                          .look.fired = on_look,
                          .latest = ts_deadline_in(LATEST_NS),
                          .async.done = on_done};
    ts_timer_arm(screen->loop, &j->look, ts_deadline_in(LOOK_NS));
}
