// SPDX-License-Identifier: MIT
// One round: wait until there is something (answering what was kept back in the same system call),
// then dispatch the batch of events that is there, then the timers that are due.
#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/loop.h>
#include <tessera/lib/port.h>

ts_status_t ts_loop_init(struct ts_loop *loop, uint32_t submissions, uint32_t events,
                         uint32_t inflight)
{
    memset(loop, 0, sizeof(*loop));
    return ts_ring_create(&loop->ring, submissions, events, inflight);
}

void ts_loop_fini(struct ts_loop *loop)
{
    ts_ring_destroy(&loop->ring);
}

void ts_loop_stop(struct ts_loop *loop)
{
    loop->stopped = true;
}

void ts_loop_flush(struct ts_loop *loop)
{
    (void)ts_ring_submit(&loop->ring); // what was not taken stays staged for the next wait
}

void ts_loop_close(struct ts_loop *loop, ts_handle_t handle)
{
    if (ts_ring_staged(&loop->ring) > 0) {
        ts_loop_flush(loop);
    }
    ts_close(handle);
}

static struct ts_submission *slot(struct ts_loop *loop)
{
    struct ts_submission *submission = ts_ring_slot(&loop->ring);
    if (submission != NULL) {
        return submission;
    }
    ts_loop_flush(loop);
    return ts_ring_slot(&loop->ring);
}

struct ts_submission *ts_loop_begin(struct ts_loop *loop, struct ts_async *async)
{
    struct ts_submission *submission = slot(loop);
    if (submission != NULL && async != NULL) {
        async->busy = true;
    }
    return submission;
}

void ts_loop_cancel(struct ts_loop *loop, struct ts_async *async)
{
    if (!async->busy) {
        return;
    }
    struct ts_submission *submission = slot(loop);
    if (submission != NULL) {
        ts_prepare_cancel(submission, ts_async_data(async), 0, 0);
    }
}

// ---- The kept answer

static void reply_failed(struct ts_async *failed, ts_status_t status)
{
    const struct ts_event event = {
        .user_data = ts_async_data(failed), .kind = TS_EVENT_COMPLETION, .status = status};
    failed->done(failed, &event);
}

// The kept answer becomes a submission. False: the ring has no room.
static bool stage_held(struct ts_loop *loop)
{
    const struct ts_loop_held *held = &loop->held;
    struct ts_submission *submission = !held->mints ? slot(loop) : NULL;
    if (submission == NULL) {
        return false;
    }
    ts_prepare_reply(submission, held->port, held->request, held->status, held->value, held->bytes,
                     held->length, ts_async_data(held->failed));
    loop->held.failed = NULL;
    return true;
}

void ts_loop_send(struct ts_loop *loop)
{
    if (loop->held.length == 0 && stage_held(loop)) {
        return;
    }
    struct ts_loop_held held = loop->held;
    struct ts_reply reply = {.id = held.request,
                             .status = held.status,
                             .result = held.mints ? TS_REPLY_MINT : TS_REPLY_NONE,
                             .value = held.value,
                             .address = (uintptr_t)held.bytes,
                             .length = held.length,
                             .object = ts_reply_object_oid(held.object),
                             .tag = held.tag,
                             .rights = ts_reply_object_rights(held.object),
                             .signals = ts_reply_object_signals(held.object)};
    loop->held.failed = NULL;
    if (ts_ring_staged(&loop->ring) > 0) { // signals that were staged before are to be seen first
        ts_loop_flush(loop);
    }
    ts_status_t status = ts_port_reply(held.port, &reply);
    if (status != TS_OK) {
        reply_failed(held.failed, status);
    }
}

// ---- One round

static void dispatch(struct ts_loop *loop, const struct ts_event *event)
{
    struct ts_async *async = (struct ts_async *)(uintptr_t)event->user_data;
    // What was kept back may point to what this callback changes.
    ts_loop_send_held(loop);
    if (async == NULL) { // a signal or cancel of the loop's own: nobody waits for it
        return;
    }
    if (event->kind == TS_EVENT_COMPLETION) {
        async->busy = event->flags & TS_EVENT_MORE;
    }
    async->done(async, event);
}

// Events that come while others are dispatched wait for the next round, so that timers get their
// turn.
static void dispatch_batch(struct ts_loop *loop)
{
    uint32_t count = ts_ring_unread(&loop->ring);
    struct ts_event event;
    while (count-- > 0 && ts_ring_next(&loop->ring, &event)) {
        dispatch(loop, &event);
    }
}

static void fire_timers(struct ts_loop *loop)
{
    while (loop->timers != NULL && loop->timers->deadline <= ts_loop_now(loop)) {
        if (loop->held.failed != NULL) {
            ts_loop_send_held(loop); // which may end the object whose timer is the first
            continue;
        }
        struct ts_timer *timer = loop->timers;
        ts_timer_disarm(loop, timer);
        timer->fired(timer);
    }
}

static ts_time_t earlier(ts_time_t a, ts_time_t b)
{
    if (a == TS_DEADLINE_NONE || b == TS_DEADLINE_NONE) {
        return a ? a : b;
    }
    return a < b ? a : b;
}

static ts_status_t wait_for_event(struct ts_loop *loop, ts_time_t deadline)
{
    struct ts_loop_held *held = &loop->held;
    struct ts_async *failed = held->failed;
    if (failed != NULL && deadline == TS_DEADLINE_NONE && ts_ring_staged(&loop->ring) == 0) {
        held->failed = NULL;
        // When the client has gone the call returns at once, and the round finds no event.
        ts_status_t status =
            held->mints
                ? ts_ring_mint_wait(&loop->ring, held->port, held->request, held->tag, held->object)
                : ts_ring_reply_wait(&loop->ring, held->port, held->request, held->status,
                                     held->value, held->bytes, held->length);
        if (status != TS_OK) {
            reply_failed(failed, status);
        }
        return TS_OK;
    }
    // As a submission of the wait that follows: its bytes need not be copied.
    if (failed != NULL && !stage_held(loop)) {
        ts_loop_send(loop);
        // If that failed, `closed` may have kept another answer or armed a timer: look again.
        bool timer_first =
            loop->timers != NULL && earlier(deadline, loop->timers->deadline) != deadline;
        if (held->failed != NULL || timer_first) {
            return TS_OK;
        }
    }
    ts_status_t status = ts_ring_enter(&loop->ring, 1, deadline);
    return status == TS_ERR_TIMED_OUT || status == TS_ERR_INTERRUPTED ? TS_OK : status;
}

ts_status_t ts_loop_step(struct ts_loop *loop, ts_time_t deadline)
{
    ts_status_t status = TS_OK;
    if (loop->idle != NULL) {
        loop->idle(loop, loop->idle_context);
    }
    if (ts_ring_unread(&loop->ring) == 0) {
        if (loop->timers != NULL) {
            deadline = earlier(deadline, loop->timers->deadline);
        }
        status = wait_for_event(loop, deadline);
    } else {
        ts_loop_flush(loop);
    }
    loop->now = 0;
    dispatch_batch(loop);
    fire_timers(loop);
    return status;
}

ts_status_t ts_loop_run(struct ts_loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped) {
        ts_status_t status = ts_loop_step(loop, TS_DEADLINE_NONE);
        if (status != TS_OK) {
            return status;
        }
    }
    ts_loop_send_held(loop);
    ts_loop_flush(loop);
    return TS_OK;
}
