// SPDX-License-Identifier: MIT
// See pair.h.
#include "pair.h"

#include "tap.h"

#include <tessera/lib/memory.h>

#define QUIET_MS 15
#define GRACE_MS 100 // that a request which was cancelled has (Q06)

void pair_begin(struct pair *pair, uint32_t requests, uint32_t inbox_bytes)
{
    ts_handle_t memory = TS_HANDLE_NONE;
    void *at = NULL;
    *pair = (struct pair){.inbox_bytes = inbox_bytes};
    if (inbox_bytes != 0) {
        CHECK_OK(ts_memory_allocate((size_t)requests * inbox_bytes, 0, &memory, &at));
    }
    pair->inbox = at;
    CHECK_OK(ts_ring_create(&pair->client, 32, 64, 32));
    CHECK_OK(ts_ring_create(&pair->server, 32, 64, 32));
    CHECK_OK(ts_port_create(requests, PAIR_OBJECTS, memory, inbox_bytes, &pair->port));
    CHECK_OK(ts_port_bind(pair->port, pair->server.handle, PAIR_COOKIE));
    CHECK_OK(ts_port_mint(pair->port, 0, PAIR_TAG, TS_RIGHTS_ALL, &pair->object));
    ts_close(memory);
}

void pair_end(struct pair *pair)
{
    if (pair->client.handle != TS_HANDLE_NONE) {
        ts_ring_destroy(&pair->client);
    }
    ts_close(pair->port);
    ts_close(pair->object);
    ts_ring_destroy(&pair->server);
}

void pair_submit(struct pair *pair)
{
    CHECK_OK(ts_ring_submit(&pair->client));
}

void pair_write(struct pair *pair, const void *bytes, uint32_t length, uint64_t offset,
                uint64_t user_data)
{
    ts_prepare_write(ts_ring_slot(&pair->client), pair->object, bytes, length, offset,
                     TS_DEADLINE_NONE, user_data);
    pair_submit(pair);
}

void pair_read(struct pair *pair, void *bytes, uint32_t length, uint64_t user_data)
{
    ts_prepare_read(ts_ring_slot(&pair->client), pair->object, bytes, length, 0, TS_DEADLINE_NONE,
                    user_data);
    pair_submit(pair);
}

void pair_cancel(struct pair *pair, uint64_t target, unsigned flags, uint64_t user_data)
{
    if ((flags & TS_FLAG_FORCE) == 0) {
        tap_in_time(in_ms(GRACE_MS));
    }
    ts_prepare_cancel(ts_ring_slot(&pair->client), target, flags, user_data);
    pair_submit(pair);
}

static bool next(struct ts_ring_queue *ring, ts_time_t until, struct ts_event *out_event)
{
    if (ts_ring_next(ring, out_event)) {
        return true;
    }
    ts_status_t status = ts_ring_enter(ring, 1, until);
    if (status != TS_ERR_TIMED_OUT) {
        CHECK_OK(status);
    }
    return ts_ring_next(ring, out_event);
}

struct ts_event pair_event(struct pair *pair, enum ts_event_kind kind)
{
    struct ts_event event = {0};
    CHECK(next(&pair->server, patience(), &event));
    CHECK_EQUAL(event.kind, kind);
    CHECK_EQUAL(event.user_data, PAIR_COOKIE);
    return event;
}

struct ts_event pair_event_among(struct pair *pair, enum ts_event_kind kind)
{
    struct ts_event event = {0};
    do {
        CHECK(next(&pair->server, patience(), &event));
        CHECK_EQUAL(event.user_data, PAIR_COOKIE);
    } while (event.kind != kind);
    return event;
}

void pair_quiet(struct pair *pair)
{
    struct ts_event event;
    CHECK(!next(&pair->server, in_ms(QUIET_MS), &event));
}

void pair_reply(struct pair *pair, uint64_t request, ts_status_t status, uint64_t value)
{
    const struct ts_reply reply = {.id = request, .status = status, .value = value};
    CHECK_OK(ts_port_reply(pair->port, &reply));
}

struct ts_event pair_completion(struct pair *pair, uint64_t user_data)
{
    struct ts_event event = {0};
    CHECK(next(&pair->client, patience(), &event));
    CHECK_EQUAL(event.kind, TS_EVENT_COMPLETION);
    CHECK_EQUAL(event.user_data, user_data);
    return event;
}

void pair_no_completion(struct pair *pair)
{
    struct ts_event event;
    CHECK(!next(&pair->client, in_ms(QUIET_MS), &event));
}
