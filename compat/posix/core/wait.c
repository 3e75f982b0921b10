// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>
#include "core/wait.h"

// A ring belongs to one thread: each that waits has its own, made at first use and made larger when
// it must. Between waits it is empty.
static _Thread_local struct ts_ring_queue ring;
static _Thread_local size_t ring_size; // 0: there is none

#define CANCEL_DATA UINT64_MAX

static ts_status_t ring_reserve(size_t count)
{
    uint32_t size = 16;
    while (size < 2 * count) { // an operation and its cancel
        size *= 2;
    }
    if (size <= ring_size) {
        return TS_OK;
    }
    if (size > TS_RING_MAX) {
        return TS_ERR_ARGUMENT;
    }
    wait_thread_end();
    ts_status_t status = ts_ring_create(&ring, size, size, size);
    ring_size = status == TS_OK ? size : 0;
    return status;
}

void wait_thread_end(void)
{
    if (ring_size) {
        ts_ring_destroy(&ring);
        ring_size = 0;
    }
}

// What is set already. Most waits end here.
static size_t poll_now(struct waitable *items, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        items[i].ready = 0;
        if (!items[i].handle) {
            continue;
        }
        uint64_t signals;
        ts_status_t status = ts_get_u64(items[i].handle, TS_PROPERTY_SIGNALS, &signals);
        items[i].ready = status == TS_OK ? (ts_signals_t)signals & items[i].mask : TS_SIGNAL_ERROR;
        found += items[i].ready != 0;
    }
    return found;
}

// Submits the waits; returns how many are in flight.
static size_t begin(struct waitable *items, size_t count)
{
    size_t flying = 0;
    for (size_t i = 0; i < count; i++) {
        struct ts_submission *s = items[i].handle && items[i].mask ? ts_ring_slot(&ring) : NULL;
        items[i].waiting = s != NULL;
        if (s != NULL) {
            ts_prepare_wait(s, items[i].handle, items[i].mask, TS_DEADLINE_NONE, i);
            flying++;
        }
    }
    return flying;
}

static size_t collect(struct waitable *items, size_t count)
{
    struct ts_event event;
    size_t ended = 0;
    while (ts_ring_next(&ring, &event)) {
        if (event.user_data >= count) {
            continue; // a cancel's own
        }
        struct waitable *item = &items[event.user_data];
        if (event.status == TS_OK) {
            item->ready = (ts_signals_t)event.value & item->mask;
        } else if (event.status != TS_ERR_CANCELLED) {
            item->ready = TS_SIGNAL_ERROR;
        }
        item->waiting = false;
        ended++;
    }
    return ended;
}

static void cancel_rest(const struct waitable *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ts_submission *s = items[i].waiting ? ts_ring_slot(&ring) : NULL;
        if (s != NULL) {
            ts_prepare_cancel(s, i, 0, CANCEL_DATA);
            s->flags |= TS_FLAG_QUIET;
        }
    }
}

ts_status_t wait_any(struct waitable *items, size_t count, ts_time_t deadline)
{
    if (poll_now(items, count)) {
        return TS_OK;
    }
    if (deadline && deadline <= ts_clock_now()) {
        return TS_ERR_TIMED_OUT;
    }
    ts_status_t status = ring_reserve(count);
    if (status != TS_OK) {
        return status;
    }
    size_t flying = begin(items, count);
    if (!flying) { // nothing but time can end this
        ts_sleep_until(deadline ? deadline : INT64_MAX);
        return TS_ERR_TIMED_OUT;
    }
    status = ts_ring_enter(&ring, 1, deadline);
    flying -= collect(items, count);
    cancel_rest(items, count);
    while (flying) { // each wait ends with its own event
        if (ts_ring_enter(&ring, 1, TS_DEADLINE_NONE) != TS_OK) {
            wait_thread_end(); // destroying it ends them too
            break;
        }
        flying -= collect(items, count);
    }
    return status;
}
