// SPDX-License-Identifier: MIT
#include <drivers/service/interrupt.h>

#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/server.h>

#define IDLE_MOST   512u // for nothing
#define IDLE_NS     (100 * TS_MILLISECOND)
#define PAUSE_LEAST (100 * TS_MILLISECOND)
#define PAUSE_MOST  (1600 * TS_MILLISECOND)
#define LOOK_NS     (10 * TS_MILLISECOND)
#define TELL_NS     (60 * TS_SECOND)

static void begin_pause(struct service_interrupt *i, const char *why)
{
    ts_time_t now = ts_loop_now(i->loop);
    if (now - i->pause_end > PAUSE_MOST) {
        i->pause = PAUSE_LEAST;
    } else if (i->pause < PAUSE_MOST) {
        i->pause *= 2;
    }
    i->pause_end = now + i->pause;
    i->paused = true;
    if (i->async.busy) {
        ts_loop_cancel(i->loop, &i->async);
    }
    if (allowance_take(&i->told, now, 1, TELL_NS)) {
        ts_log("an interrupt %s: the device is looked at instead", why);
    }
    ts_timer_arm(i->loop, &i->timer, now + LOOK_NS);
}

// Acknowledging ends the kernel's mask as well, if it called a storm meanwhile.
static void listen(struct service_interrupt *i)
{
    struct ts_submission *submission = ts_loop_begin(i->loop, &i->async);
    if (submission != NULL) {
        ts_prepare_watch(submission, i->handle, TS_SIGNAL_READABLE, ts_async_data(&i->async));
    }
    if (submission == NULL || ts_interrupt_acknowledge(i->handle) != TS_OK) {
        begin_pause(i, "cannot be waited for");
    }
}

static void on_event(struct ts_async *async, const struct ts_event *event)
{
    struct service_interrupt *i = TS_OBJECT_OF(async, struct service_interrupt, async);
    if (i->paused) {
        return; // it came before the wait was cancelled, or says that it is
    }
    if (event->status != TS_OK) {
        begin_pause(i, "cannot be waited for");
        return;
    }
    if (!i->came(i) && !allowance_take(&i->idle, ts_loop_now(i->loop), IDLE_MOST, IDLE_NS)) {
        begin_pause(i, "comes without end");
    } else if (!(event->flags & TS_EVENT_MORE)) {
        listen(i);
    } else if (i->line && ts_interrupt_acknowledge(i->handle) != TS_OK) {
        begin_pause(i, "cannot be waited for");
    }
}

static void on_timer(struct ts_timer *timer)
{
    struct service_interrupt *i = TS_OBJECT_OF(timer, struct service_interrupt, timer);
    ts_time_t now = ts_loop_now(i->loop);
    (void)i->came(i);
    if (now < i->pause_end || i->async.busy) {
        ts_timer_arm(i->loop, timer, now + LOOK_NS);
        return;
    }
    i->paused = false;
    listen(i);
}

void service_interrupt_start(struct service_interrupt *i, struct ts_loop *loop, ts_handle_t handle,
                             bool line, bool (*came)(struct service_interrupt *interrupt))
{
    *i = (struct service_interrupt){.loop = loop,
                                    .handle = handle,
                                    .line = line,
                                    .came = came,
                                    .async.done = on_event,
                                    .timer.fired = on_timer,
                                    .pause_end = -PAUSE_MOST};
    if (handle) {
        listen(i);
    }
}
