// SPDX-License-Identifier: MIT
// An event loop: one ring, on which everything that a program waits for arrives.
//
// A loop belongs to one thread. What it dispatches are callbacks, each runs to its end; none may
// block (no synchronous operation on an object that another process serves): whatever takes time is
// an async operation, a timer or a kept request.
//
//   struct ts_async      what events come for: an operation in flight, or a port that is bound to
//                        the ring; embedded in the structure that waits for it
//   struct ts_timer      a deadline
//
// The loop knows none of those that wait: an event's user data is the address of its async.
#pragma once

#include <stdbool.h>
#include <tessera/lib/clock.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

// One operation in flight. `done` gets its event: for MULTI operations again and again, the last
// without TS_EVENT_MORE. The storage must stay until the last; `done` may free or reuse it then.
// Of a bound port (user_data = ts_async_data(async)) it gets all of REQUEST, CANCEL and CLOSED.
struct ts_async {
    void (*done)(struct ts_async *async, const struct ts_event *event);
    bool busy; // the loop's: it is in flight
};

// A deadline. Zero-initialise, set `fired`. Storage must stay while `armed`.
struct ts_timer {
    void (*fired)(struct ts_timer *timer);
    ts_time_t deadline;
    bool armed;
    struct ts_timer *child, *sibling, *previous; // pairing heap of the loop
};

// An answer to a port's request, kept back so that it and the next wait are one system call.
struct ts_loop_held {
    struct ts_async *failed; // its `done` is told when the answer fails, and only then; NULL: none
    ts_handle_t port;
    uint64_t request;
    ts_status_t status;
    uint64_t value;
    const void *bytes;
    uint32_t length;
    bool mints;           // an object, and has no status, value and bytes
    uint64_t object, tag; // of that: ts_reply_object()
};

#define TS_LOOP_COPY 256u // answers up to this length are copied when they are kept back

struct ts_loop {
    struct ts_ring_queue ring;
    struct ts_timer *timers;
    struct ts_loop_held held;
    ts_time_t now; // as ts_loop_now() says; 0: nobody has asked in this round
    bool stopped;
    void (*idle)(struct ts_loop *loop, void *context); // before each wait: batch work; may be NULL
    void *idle_context;
    unsigned char copy[TS_LOOP_COPY];
};

// Creates the loop's ring; sizes as in ts_ring_create.
TS_MUST_USE ts_status_t ts_loop_init(struct ts_loop *loop, uint32_t submissions, uint32_t events,
                                     uint32_t inflight);
void ts_loop_fini(struct ts_loop *loop);

// Dispatches until ts_loop_stop. Returns what the ring says when it cannot go on.
TS_MUST_USE ts_status_t ts_loop_run(struct ts_loop *loop);
void ts_loop_stop(struct ts_loop *loop);

// Waits for at least one event or timer, until `deadline`, and dispatches what is there.
TS_MUST_USE ts_status_t ts_loop_step(struct ts_loop *loop, ts_time_t deadline);

// The time, looked at once for each batch of events: good enough for time-outs.
static inline ts_time_t ts_loop_now(struct ts_loop *loop)
{
    if (loop->now == 0) {
        loop->now = ts_clock_now();
    }
    return loop->now;
}

// Begins an operation: a slot whose event goes to async->done, to be filled by ts_prepare_* with
// user_data = ts_async_data(async). NULL: the ring is full even after submitting; try later.
// A busy async must not be begun again.
struct ts_submission *ts_loop_begin(struct ts_loop *loop, struct ts_async *async);

static inline uint64_t ts_async_data(struct ts_async *async)
{
    return (uint64_t)(uintptr_t)async;
}

// Asks a busy operation to end: `done` comes with its status as always (TS_ERR_CANCELLED when it
// had no effect).
void ts_loop_cancel(struct ts_loop *loop, struct ts_async *async);

// Submits what is staged now, not at the next wait.
void ts_loop_flush(struct ts_loop *loop);

// Closes a handle that something staged may name. That is submitted before, so it ends as the
// object says (TS_ERR_PEER_CLOSED, most often), and not with TS_ERR_HANDLE.
void ts_loop_close(struct ts_loop *loop, ts_handle_t handle);

// Sends the answer that is kept back. Keeping one (loop->held) sends the one before first; it
// goes out by itself before the next callback, or with the next wait, and its bytes must stay until
// then (loop->copy has room for short ones).
void ts_loop_send(struct ts_loop *loop); // there is one
static inline void ts_loop_send_held(struct ts_loop *loop)
{
    while (loop->held.failed !=
           NULL) { // one that failed may have ended an object that kept another
        ts_loop_send(loop);
    }
}

// Arms (or re-arms) a timer. Once only; `fired` may arm it anew.
void ts_timer_arm(struct ts_loop *loop, struct ts_timer *timer, ts_time_t deadline);
void ts_timer_disarm(struct ts_loop *loop, struct ts_timer *timer);
