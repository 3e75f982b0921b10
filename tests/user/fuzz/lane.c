// SPDX-License-Identifier: MIT
// See lane.h.
#include "lane.h"

#include <tessera/lib/memory.h>

// Each is written by the thread that makes the ring anew, while others use it: the mappings of old
// ones stay, so that a thread which still has an old pointer does no more harm than another.
static struct lane {
    ts_handle_t handle;
    struct ts_ring *header;
} lanes[LANES];

#define RING_BYTES \
    (sizeof(struct ts_ring) + LANE_SLOTS * (sizeof(struct ts_submission) + sizeof(struct ts_event)))

void lane_make(struct actor *actor, unsigned number)
{
    struct lane *lane = &lanes[number];
    struct ts_result made =
        actor_saw(actor, ts_sys_create(ts_create_word(TS_KIND_RING, 0, TS_HANDLE_NONE), LANE_SLOTS,
                                       LANE_SLOTS, 16));
    if (made.status != TS_OK) {
        return;
    }
    ts_handle_t handle = (ts_handle_t)made.value;
    struct ts_result mapped =
        actor_saw(actor, ts_sys_map(ts_pair(0, handle), 0, TS_PAGE_ROUND(RING_BYTES), 0,
                                    TS_MAP_READ | TS_MAP_WRITE));
    if (mapped.status == TS_OK) {
        lane->header = (struct ts_ring *)mapped.value;
        lane->handle = handle;
    }
    pool_keep(actor, SORT_RING, handle);
}

unsigned some_lane(struct actor *actor)
{
    return (unsigned)below(actor, LANES);
}

ts_handle_t lane_handle(unsigned number)
{
    return lanes[number].handle;
}

static struct ts_event *lane_events(struct ts_ring *header)
{
    return (struct ts_event *)((struct ts_submission *)(header + 1) + LANE_SLOTS);
}

struct ts_submission *lane_slot(unsigned number, uint32_t ahead)
{
    struct ts_ring *header = lanes[number].header;
    if (header == NULL) {
        return NULL;
    }
    uint32_t tail = ts_load_relaxed(&header->submit_tail);
    return (struct ts_submission *)(header + 1) + (tail + ahead) % LANE_SLOTS;
}

void lane_enter(struct actor *actor, unsigned number, uint32_t submit, uint64_t events)
{
    (void)actor_saw(actor, ts_sys_enter(ts_pair(lanes[number].handle, submit), events,
                                        some_deadline(actor), 0));
}

void lane_submit(struct actor *actor, unsigned number, uint32_t count)
{
    struct ts_ring *header = lanes[number].header;
    if (header == NULL) {
        return;
    }
    ts_store_release(&header->submit_tail, ts_load_relaxed(&header->submit_tail) + count);
    actor->calls += count;
    lane_enter(actor, number, count, 0);
    if (one_in(actor, 4)) { // room for events again
        ts_store_release(&header->event_head, ts_load_relaxed(&header->event_tail));
    }
}

bool lane_event(struct actor *actor, unsigned number, struct ts_event *out_event)
{
    struct ts_ring *header = lanes[number].header;
    if (header == NULL) {
        return false;
    }
    uint32_t head = ts_load_relaxed(&header->event_head);
    if (head == ts_load_acquire(&header->event_tail)) {
        return false;
    }
    *out_event = lane_events(header)[head % LANE_SLOTS];
    ts_store_release(&header->event_head, head + 1);
    struct ts_result seen = {.status = out_event->status, .value = out_event->kind};
    actor->calls--;
    (void)actor_saw(actor, seen);
    return true;
}

void lane_scribble(struct actor *actor, unsigned number)
{
    struct ts_ring *header = lanes[number].header;
    if (header == NULL) {
        return;
    }
    uint64_t *words = (uint64_t *)((struct ts_submission *)(header + 1) + below(actor, LANE_SLOTS));
    switch (below(actor, 16)) {
    case 0: ((volatile uint32_t *)header)[below(actor, 128)] = (uint32_t)actor_next(actor); break;
    case 1: ts_store_release(&header->submit_tail, header->submit_head); break;
    case 2: ts_store_release(&header->event_head, header->event_tail); break;
    case 3: ((uint32_t *)words)[1] = some_handle(actor); break;
    case 4: ((uint8_t *)words)[0] = (uint8_t)below(actor, TS_OP_COUNT); break;
    case 5: words[2] = some_address(actor); break;
    default: words[1 + below(actor, 7)] = some_number(actor); break;
    }
}
