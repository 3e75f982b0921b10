// SPDX-License-Identifier: MIT
// Four indices, each written by one side. Ours: submit_tail and event_head. The kernel's:
// submit_head and event_tail. All run free modulo 2^32; what is between head and tail belongs to
// the side that consumes. The kernel's are clamped to what can be true although it is trusted, so
// that a mistake there is not a wild access here.
#include <string.h>
#include <tessera/lib/memory.h>
#include <tessera/ring/barrier.h>
#include <tessera/ring/ring.h>

static bool size_is_good(uint32_t count)
{
    return count >= TS_RING_MIN && count <= TS_RING_MAX && (count & (count - 1)) == 0;
}

static size_t ring_size(uint32_t submissions, uint32_t events)
{
    return sizeof(struct ts_ring) + submissions * sizeof(struct ts_submission) +
           events * sizeof(struct ts_event);
}

ts_status_t ts_ring_attach(struct ts_ring_queue *ring, void *mapping, size_t size)
{
    struct ts_ring *header = mapping;
    if (size < sizeof(*header)) {
        return TS_ERR_CORRUPT;
    }
    if (header->version != TS_RING_VERSION) {
        return TS_ERR_VERSION;
    }
    uint32_t submissions = header->submissions, events = header->events;
    if (!size_is_good(submissions) || !size_is_good(events) ||
        ring_size(submissions, events) > size) {
        return TS_ERR_CORRUPT;
    }
    *ring = (struct ts_ring_queue){
        .header = header,
        .submissions = (void *)(header + 1),
        .submission_mask = submissions - 1,
        .event_mask = events - 1,
        .staged_tail = header->submit_tail,
        .submitted_head = header->submit_head,
        .event_head = header->event_head,
        .event_tail = header->event_head,
        .mapped_size = (uint32_t)size,
    };
    ring->events = (void *)(ring->submissions + submissions);
    return TS_OK;
}

ts_status_t ts_ring_create(struct ts_ring_queue *ring, uint32_t submissions, uint32_t events,
                           uint32_t inflight)
{
    if (!size_is_good(submissions) || !size_is_good(events)) {
        return TS_ERR_ARGUMENT;
    }
    struct ts_result result = ts_sys_create(ts_create_word(TS_KIND_RING, 0, TS_HANDLE_NONE),
                                            submissions, events, inflight);
    if (result.status) {
        return (ts_status_t)result.status;
    }
    ts_handle_t handle = (ts_handle_t)result.value;
    size_t size = TS_PAGE_ROUND(ring_size(submissions, events));
    void *mapping;
    ts_status_t status = ts_memory_map(handle, NULL, size, 0, TS_MAP_READ | TS_MAP_WRITE, &mapping);
    if (status == TS_OK) {
        status = ts_ring_attach(ring, mapping, size);
        if (status != TS_OK) {
            (void)ts_memory_unmap(mapping, size);
        }
    }
    if (status != TS_OK) {
        ts_close(handle);
        return status;
    }
    ring->handle = handle;
    return TS_OK;
}

void ts_ring_destroy(struct ts_ring_queue *ring)
{
    ts_close(ring->handle);
    (void)ts_memory_unmap(ring->header, ring->mapped_size);
    memset(ring, 0, sizeof(*ring));
}

void ts_ring_refresh_submitted(struct ts_ring_queue *ring)
{
    // Pairs with the kernel's store-release of submit_head: it has read the slots before it.
    uint32_t head = ts_load_acquire(&ring->header->submit_head);
    if (head - ring->submitted_head <= ring->staged_tail - ring->submitted_head) {
        ring->submitted_head = head;
    }
}

ts_status_t ts_ring_submit(struct ts_ring_queue *ring)
{
    if (ts_ring_staged(ring) == 0) {
        return TS_OK;
    }
    ts_status_t status = ts_ring_enter(ring, 0, TS_DEADLINE_NONE);
    if (status != TS_OK) {
        return status;
    }
    return ts_ring_staged(ring) > 0 ? TS_ERR_AGAIN : TS_OK;
}
