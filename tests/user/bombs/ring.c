// SPDX-License-Identifier: MIT
// Bombs of what is on its way: rings full of operations that do not end. One is a ring full.
#include "bomb.h"

#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/port.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define FEW    LIMITED(600, 0, 0)
#define PARKED 8192u // slots of the port: one client has half of them
#define POSTS  20000u

static struct ts_ring_queue ring, server; // the ring that is filled; earlier ones stay
static ts_handle_t event, port, object;
static uint32_t word;
static char payload[64];

// A ring full of what `prepare` puts into a slot.
static ts_status_t make_full(void (*prepare)(struct ts_submission *, uint32_t))
{
    uint32_t count = bomb_scale.ring;
    ts_status_t status = ts_ring_create(&ring, count, count, count);
    if (status != TS_OK) {
        return status;
    }
    for (uint32_t i = 0; i < count; i++) {
        prepare(ts_ring_slot(&ring), i);
    }
    return ts_ring_submit(&ring);
}

static ts_status_t prepare_event(void)
{
    return ts_event_create(0, &event);
}

static void fill_timeout(struct ts_submission *slot, uint32_t i)
{
    ts_prepare_timeout(slot, ts_deadline_in((3600 + i) * TS_SECOND), i);
}

static ts_status_t make_timers(void)
{
    return make_full(fill_timeout);
}

static void fill_futex(struct ts_submission *slot, uint32_t i)
{
    ts_prepare(slot, TS_HANDLE_NONE, &(struct ts_op){.op = TS_OP_FUTEX_WAIT, .address = &word}, i);
}

static ts_status_t make_waits(void)
{
    return make_full(fill_futex);
}

static void fill_watch(struct ts_submission *slot, uint32_t i)
{
    ts_prepare_watch(slot, event, TS_SIGNAL_READABLE, i);
}

// All that watch it are told, each time that there are more of them.
static ts_status_t make_observers(void)
{
    uint64_t count;
    ts_status_t status = make_full(fill_watch);
    if (status == TS_OK) {
        status = ts_event_signal(event, 1);
    }
    if (status == TS_OK) { // one of them may have taken it
        status =
            ts_event_wait(event, ts_deadline_in(1), &count) == TS_ERR_FAULT ? TS_ERR_FAULT : TS_OK;
    }
    return status;
}

static ts_status_t prepare_port(void)
{
    uint32_t requests = bomb_scale.large ? TS_PORT_REQUESTS_MAX : PARKED;
    ts_status_t status = ts_port_create(requests, 1, TS_HANDLE_NONE, 0, &port);
    if (status == TS_OK) {
        status = ts_port_mint(port, 0, 0, TS_RIGHTS_ALL, &object);
    }
    if (status == TS_OK) {
        status = ts_ring_create(&server, bomb_scale.ring, bomb_scale.ring, bomb_scale.ring);
    }
    return status != TS_OK ? status : ts_port_bind(port, server.handle, 0);
}

static void fill_request(struct ts_submission *slot, uint32_t i)
{
    ts_prepare_write(slot, object, payload, sizeof(payload), 0, TS_DEADLINE_NONE, i);
}

// Half of the rings' requests are delivered, and none is answered.
static ts_status_t make_requests(void)
{
    ts_status_t status = make_full(fill_request);
    if (status != TS_OK) {
        return status;
    }
    status = ts_ring_enter(&server, 1, ts_deadline_in(TS_MILLISECOND));
    ts_ring_consume(&server, ts_ring_unread(&server) / 2);
    return status == TS_ERR_TIMED_OUT ? TS_OK : status;
}

// All are answered, and nobody reads the answers.
static ts_status_t make_answers(void)
{
    ts_status_t status = make_full(fill_request);
    for (uint32_t left = bomb_scale.ring; status == TS_OK && left > 0;) {
        status = ts_ring_enter(&server, 1, ts_deadline_in(10 * TS_SECOND));
        for (struct ts_event asked; status == TS_OK && ts_ring_next(&server, &asked); left--) {
            const struct ts_reply reply = {.id = asked.value};
            status = ts_port_reply(port, &reply);
        }
    }
    return status;
}

// A handle of the very object that is asked is on its way to it: what is parked keeps itself.
static void fill_share(struct ts_submission *slot, uint32_t i)
{
    static struct ts_call call;
    call = (struct ts_call){.in_address = (uintptr_t)payload, .in_length = 1, .in_handles = 1};
    if (ts_duplicate(object, TS_RIGHTS_ALL, &call.in_handle[0]) != TS_OK) {
        call.in_handle[0] = TS_HANDLE_NONE;
    }
    ts_prepare(slot, object,
               &(struct ts_op){.op = TS_OP_SHARE, .address = &call, .length = sizeof(call)}, i);
}

// What `call` points to is read when the operation is submitted.
static ts_status_t make_shares(void)
{
    uint32_t count = bomb_scale.ring;
    ts_status_t status = ts_ring_create(&ring, count, count, count);
    for (uint32_t i = 0; status == TS_OK && i < count; i++) {
        fill_share(ts_ring_slot(&ring), i);
        status = ts_ring_submit(&ring);
    }
    return status;
}

static ts_status_t prepare_ring(void)
{
    return ts_ring_create(&ring, TS_RING_MIN, TS_RING_MIN, TS_RING_MIN);
}

// One event stands for all that nobody has read.
static ts_status_t make_post(void)
{
    return ts_op(ring.handle, &(struct ts_op){.op = TS_OP_POST, .offset = 1, .arg = 2}, NULL);
}

#define LIMIT TS_ERR_LIMIT
const struct bomb bombs_ring[] = {
    BOMB("timer", NULL, make_timers, FEW, LIMIT, .touches = true, .large = true),
    BOMB("wait", NULL, make_waits, FEW, LIMIT, .touches = true),
    BOMB("observer", prepare_event, make_observers, FEW, LIMIT, .touches = true, .large = true),
    BOMB("request", prepare_port, make_requests, FEW, LIMIT, .touches = true, .large = true),
    BOMB("answer", prepare_port, make_answers, FEW, LIMIT, .touches = true),
    BOMB("share", prepare_port, make_shares, FEW, LIMIT, .touches = true, .large = true),
    BOMB("post", prepare_ring, make_post, FEW, TS_OK, .most = POSTS),
    {0},
};
