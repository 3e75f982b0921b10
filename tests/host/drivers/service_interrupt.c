// SPDX-License-Identifier: MIT
// An interrupt that never ends: it costs its driver little, and is heard again when it is quiet.
#include "fake_machine.h"

#include <drivers/service/interrupt.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>

#include "tests/host/check.h"

#define HANDLE 7u
#define MANY   100000u
#define GAP    (10 * TS_MICROSECOND)

static struct ts_loop loop;
static struct service_interrupt interrupt;
static unsigned calls, acknowledged, watches, cancels, lines;
static bool useful, full;
static ts_status_t acknowledging;

// The library.
struct ts_submission *ts_loop_begin(struct ts_loop *of, struct ts_async *async)
{
    static struct ts_submission submission;
    CHECK(of == &loop && async == &interrupt.async && !async->busy);
    if (full) {
        return NULL;
    }
    async->busy = true;
    watches++;
    return &submission;
}

void ts_loop_cancel(struct ts_loop *of, struct ts_async *async)
{
    CHECK(of == &loop && async->busy);
    cancels++;
}

void ts_timer_arm(struct ts_loop *of, struct ts_timer *timer, ts_time_t deadline)
{
    (void)of;
    timer->armed = true;
    timer->deadline = deadline;
}

ts_status_t ts_interrupt_acknowledge(ts_handle_t handle)
{
    CHECK_EQUAL(handle, HANDLE);
    acknowledged++;
    return acknowledging;
}

void ts_log(const char *format, ...)
{
    (void)format;
    lines++;
}

static bool came(struct service_interrupt *of)
{
    CHECK(of == &interrupt);
    calls++;
    return useful;
}

static void start(bool line)
{
    loop.now = fake_now;
    calls = acknowledged = watches = cancels = lines = 0;
    useful = full = false;
    acknowledging = TS_OK;
    service_interrupt_start(&interrupt, &loop, HANDLE, line, came);
    CHECK_EQUAL(acknowledged, 1); // armed, before the first can come
    CHECK(watches == 1 && interrupt.async.busy);
}

static void at(ts_time_t now)
{
    fake_now = loop.now = now;
    if (interrupt.timer.armed && interrupt.timer.deadline <= now) {
        interrupt.timer.armed = false;
        interrupt.timer.fired(&interrupt.timer);
    }
}

static void interrupts(ts_status_t status, uint32_t flags)
{
    const struct ts_event event = {.status = status, .flags = flags};
    interrupt.async.busy = (flags & TS_EVENT_MORE) != 0;
    interrupt.async.done(&interrupt.async, &event);
}

static void cancelled(void)
{
    interrupts(TS_ERR_CANCELLED, 0);
}

// Until it is not listened to; how many came.
static unsigned shout(void)
{
    unsigned count = 0;
    while (!interrupt.paused && count < MANY) {
        at(fake_now + GAP);
        interrupts(TS_OK, TS_EVENT_MORE);
        count++;
    }
    return count;
}

static void sleep_until_heard(void)
{
    while (interrupt.paused) {
        at(interrupt.timer.deadline);
    }
}

static void work_is_not_bounded(void)
{
    start(true);
    useful = true;
    CHECK_EQUAL(shout(), MANY);
    CHECK(calls == MANY && acknowledged == MANY + 1 && watches == 1 && lines == 0);
    interrupts(TS_OK, 0); // the wait is over: a new one
    CHECK_EQUAL(watches, 2);
    start(false);
    useful = true;
    CHECK_EQUAL(shout(), MANY);
    CHECK_EQUAL(acknowledged, 1); // a message needs none
}

// Few that are for nothing are heard for ever.
static void few_are_heard(void)
{
    start(true);
    for (unsigned i = 0; i < MANY; i++) {
        at(fake_now + TS_MILLISECOND);
        interrupts(TS_OK, TS_EVENT_MORE);
    }
    CHECK(!interrupt.paused && lines == 0 && calls == MANY);
}

static void never_ends(void)
{
    start(true);
    ts_time_t begin = fake_now;
    unsigned before = calls;
    CHECK_EQUAL(shout(), 513);
    CHECK(cancels == 1 && lines == 1 && acknowledged == 513); // not the last one: masked
    interrupts(TS_OK, TS_EVENT_MORE);                         // what was on its way
    CHECK_EQUAL(calls, before + 513);
    at(interrupt.timer.deadline);
    CHECK(calls == before + 514 && interrupt.paused); // a look
    cancelled();
    CHECK(!interrupt.async.busy && watches == 1);
    sleep_until_heard();
    CHECK(fake_now - begin >= 100 * TS_MILLISECOND && fake_now - begin < 200 * TS_MILLISECOND);
    CHECK(watches == 2 && acknowledged == 514);
    // It goes on for a minute: at most a thousand calls a second, and a line.
    begin = fake_now;
    before = calls;
    while (fake_now - begin < 50 * TS_SECOND) {
        CHECK(shout() <= 513);
        cancelled();
        sleep_until_heard();
    }
    CHECK(calls - before < 50 * 1000);
    CHECK_EQUAL(lines, 1);
    // It is quiet: heard at once, and the next pause is a short one.
    at(fake_now + 10 * TS_SECOND);
    before = calls;
    interrupts(TS_OK, TS_EVENT_MORE);
    CHECK_EQUAL(calls, before + 1);
    (void)shout();
    CHECK_EQUAL(interrupt.pause, 100 * TS_MILLISECOND);
}

// A wait that is not cancelled yet is not begun anew.
static void late_cancel(void)
{
    start(true);
    (void)shout();
    for (unsigned i = 0; i < 100; i++) {
        at(interrupt.timer.deadline);
    }
    CHECK(interrupt.paused && watches == 1);
    cancelled();
    sleep_until_heard();
    CHECK_EQUAL(watches, 2);
}

static void failures(void)
{
    start(true);
    interrupts(TS_ERR_LIMIT, 0);
    CHECK(interrupt.paused && lines == 1);
    full = true;
    for (unsigned i = 0; i < 500; i++) {
        at(interrupt.timer.deadline);
    }
    CHECK(interrupt.paused && watches == 1 && lines == 1 && calls > 400); // by looking
    full = false;
    sleep_until_heard();
    CHECK_EQUAL(watches, 2);
    acknowledging = TS_ERR_GONE;
    interrupts(TS_OK, TS_EVENT_MORE);
    CHECK(interrupt.paused && cancels == 1);
}

int main(void)
{
    work_is_not_bounded();
    few_are_heard();
    never_ends();
    late_cancel();
    failures();
    service_interrupt_start(&interrupt, &loop, TS_HANDLE_NONE, true, came);
    CHECK(!interrupt.async.busy && !interrupt.paused);
    return 0;
}
