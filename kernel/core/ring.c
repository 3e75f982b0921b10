// SPDX-License-Identifier: MIT
// Rings: publishing events, waiting for them, records. See ring.h.
#include <core/hooks.h>
#include <core/port.h>
#include <core/ring.h>
#include <core/ring_publish.h>
#include <stdatomic.h>

#define SUBMISSIONS_OFFSET sizeof(struct ts_ring)
// Events in one hold of the lock: by the thread inside, and by each post, of which one signal makes
// many.
#define COLLECTED_PER_HOLD 64u
#define POSTED_PER_HOLD    8u
#define RECORD_LOOKS       64u // for each record that may be ended

uint32_t ring_bytes(uint32_t submissions, uint32_t events)
{
    return (uint32_t)(SUBMISSIONS_OFFSET + submissions * sizeof(struct ts_submission) +
                      events * sizeof(struct ts_event));
}

void ring_init(struct ring *ring, uint32_t submissions, uint32_t events, struct request *records,
               uint32_t inflight)
{
    struct ts_ring *shared =
        kernel_range_at(&ring->mapping.range, 0, ring_bytes(submissions, events));
    spin_init(&ring->lock, "ring");
    ring->shared = shared;
    ring->submissions = (struct ts_submission *)((char *)shared + SUBMISSIONS_OFFSET);
    ring->events = (struct ts_event *)(ring->submissions + submissions);
    ring->submission_count = submissions;
    ring->event_count = events;
    ring->requester.ring = ring;
    ring->inflight = inflight;
    ring->records = ring->free = records;
    list_init(&ring->pending);
    list_init(&ring->post.done);
    for (uint32_t i = 0; i < inflight; i++) {
        records[i] = (struct request){0};
        request_init(&records[i], &ring->requester);
        records[i].next_free = i + 1 < inflight ? &records[i + 1] : NULL;
    }
    shared->version = TS_RING_VERSION;
    shared->submissions = submissions;
    shared->events = events;
}

struct request *ring_record_refill(struct ring *ring)
{
    irqflags_t flags = spin_lock(&ring->lock);
    ring->free = ring->freed;
    ring->freed = NULL;
    spin_unlock(&ring->lock, flags);
    return ring->free;
}

void ring_record_give(struct ring *ring, struct request *record)
{
    request_set_state(record, REQUEST_FREE);
    record->next_free = ring->free;
    ring->free = record;
}

struct request *ring_find(struct ring *ring, uint64_t user_data)
{
    for (uint32_t i = 0; i < ring->inflight; i++) {
        struct request *record = &ring->records[i];
        enum request_state state = request_state(record);
        // (What has no home was taken and not issued: the one kept for an answer without room.)
        if (record->user_data == user_data && state != REQUEST_FREE && state != REQUEST_DONE &&
            atomic_load_explicit(TS_ATOMIC(&record->home), memory_order_relaxed) != HOME_NONE) {
            return record;
        }
    }
    return NULL;
}

// Publishes some of what is pending, for as long as there is room. Returns whether there is more to
// publish: a look for events does so (ring_collect), and PENDING tells them to.
static bool publish_pending(struct ring *ring, unsigned most)
{
    for (unsigned i = 0; !list_empty(&ring->pending) && ring_has_room(ring); i++) {
        if (i == most) {
            return true;
        }
        struct list *node = list_pop_front(&ring->pending);
        if (node == &ring->post.done) {
            ring->post.queued = false;
            ring_fill_completion(ring, ring->post.user_data, TS_OK, TS_OP_POST, 0, ring->post.value,
                                 0);
            ring_slot(ring)->kind = TS_EVENT_POST;
        } else {
            ring_publish_record(ring, list_entry(node, struct request, done));
        }
        ring->event_tail++;
    }
    return false;
}

// After something was published or queued from outside: the waiter, if it has what it wants.
void ring_wake_if_due(struct ring *ring)
{
    ring_publish_tail(ring);
    if (!list_empty(&ring->pending)) {
        ring_flag_pending(ring, true);
    }
    if (ring->idle && (ring_unread(ring) >= ring->wanted || !list_empty(&ring->pending))) {
        ring_set_idle(ring, false);
        environment_wake_ring(ring);
    }
}

void ring_completion_rare(struct ring *ring, struct request *request)
{
    bool quiet = (request->flags & TS_FLAG_QUIET) != 0 && request->status >= 0;
    if (ring->destroyed || (quiet && !request->queued)) {
        if (request->queued) {
            list_remove(&request->done);
        }
        request->queued = false;
        ring_record_free(ring, request);
    } else if (!request->queued) {
        request->queued = true;
        list_push_back(&ring->pending, &request->done);
        (void)publish_pending(ring, POSTED_PER_HOLD);
    }
}

void ring_post_completion(struct ring *ring, struct request *request)
{
    irqflags_t flags = spin_lock(&ring->lock);
    ring_completion(ring, request);
    if (!ring->destroyed) {
        ring_wake_if_due(ring);
    }
    spin_unlock(&ring->lock, flags);
}

void ring_post_more(struct request *request, ts_signals_t signals, uint64_t count)
{
    struct ring *ring = request->requester->ring;
    irqflags_t flags = spin_lock(&ring->lock);
    if (!ring->destroyed && !request->multishot_ended) {
        uint64_t value = request->value | signals;
        request->value = value + count < value ? UINT64_MAX : value + count;
        if (!request->queued) {
            request->queued = true;
            list_push_back(&ring->pending, &request->done);
            (void)publish_pending(ring, POSTED_PER_HOLD);
            ring_wake_if_due(ring);
        }
    }
    spin_unlock(&ring->lock, flags);
}

void ring_post_value(struct ring *ring, uint64_t user_data, uint64_t value)
{
    irqflags_t flags = spin_lock(&ring->lock);
    if (!ring->destroyed) {
        // One node for all posts: the last user_data and value stand for those it overtakes.
        ring->post.user_data = user_data;
        ring->post.value = value;
        if (!ring->post.queued) {
            ring->post.queued = true;
            list_push_back(&ring->pending, &ring->post.done);
        }
        (void)publish_pending(ring, POSTED_PER_HOLD);
        ring_wake_if_due(ring);
    }
    spin_unlock(&ring->lock, flags);
}

// A bound port with a reference, or NULL. The binding goes when its port closes, so the reference
// is taken under the ring's lock, which the port's closing needs.
static struct port *ring_port_get(struct ring *ring, uint32_t index, uint64_t *out_cookie)
{
    irqflags_t flags = spin_lock(&ring->lock);
    struct port *port = ring->bindings[index].port;
    *out_cookie = ring->bindings[index].cookie;
    if (port != NULL && !object_try_get(&port->object)) {
        port = NULL;
    }
    spin_unlock(&ring->lock, flags);
    return port;
}

// True when a bound port still has items.
static bool ring_take_from_ports(struct ring *ring)
{
    bool left_anywhere = false;
    for (uint32_t i = 0; i < RING_BINDINGS_MAX; i++) {
        if (atomic_load_explicit(TS_ATOMIC(&ring->bindings[i].port), memory_order_relaxed) ==
            NULL) {
            continue;
        }
        uint64_t cookie;
        bool left;
        struct port *port = ring_port_get(ring, i, &cookie);
        if (port == NULL) {
            continue;
        }
        while (port_take(port, ring, &ring->bindings[i], cookie, &left)) {
            ;
        }
        left_anywhere |= left;
        object_put(&port->object);
    }
    return left_anywhere;
}

uint32_t ring_collect(struct ring *ring)
{
    irqflags_t flags = spin_lock(&ring->lock);
    while (!list_empty(&ring->pending) && publish_pending(ring, COLLECTED_PER_HOLD)) {
        spin_unlock(&ring->lock, flags);
        flags = spin_lock(&ring->lock);
    }
    ring_publish_tail(ring);
    bool left = ring_ports_have_items(ring);
    if (left) {
        spin_unlock(&ring->lock, flags);
        left = ring_take_from_ports(ring);
        flags = spin_lock(&ring->lock);
    }
    ring_flag_pending(ring, left || !list_empty(&ring->pending));
    uint32_t unread = ring_unread(ring);
    spin_unlock(&ring->lock, flags);
    return unread;
}

// Ring lock held.
static bool ring_stays_idle(struct ring *ring)
{
    bool sleep = ring->idle && ring_unread(ring) < ring->wanted && list_empty(&ring->pending) &&
                 !ring->destroyed;
    if (!sleep) {
        ring_set_idle(ring, false);
    }
    return sleep;
}

// Ring lock held.
static void mark_idle(struct ring *ring, void *thread, uint32_t cpu)
{
    static _Atomic uint64_t stamp;
    ring->waiter = thread;
    atomic_store_explicit(TS_ATOMIC(&ring->idle_cpu), cpu, memory_order_relaxed);
    atomic_store_explicit(TS_ATOMIC(&ring->idle_stamp),
                          atomic_fetch_add_explicit(&stamp, 1, memory_order_relaxed),
                          memory_order_relaxed);
    ring_set_idle(ring, !ring->destroyed);
    // Marked first, looked at last: pairs with the fence in port_dispatch. An item that was queued
    // before the mark is seen now, one queued after it finds the mark.
    atomic_thread_fence(memory_order_seq_cst);
}

bool ring_idle_at_once(struct ring *ring, void *thread, uint32_t cpu)
{
    mark_idle(ring, thread, cpu);
    bool sleep = !ring_ports_have_items(ring);
    if (!sleep) {
        ring_set_idle(ring, false);
    }
    return sleep;
}

bool ring_idle(struct ring *ring, uint32_t wanted, void *thread, uint32_t cpu)
{
    irqflags_t flags = spin_lock(&ring->lock);
    ring->wanted = wanted > ring->event_count ? ring->event_count : wanted;
    mark_idle(ring, thread, cpu);
    if (ring_ports_have_items(ring)) {
        spin_unlock(&ring->lock, flags);
        (void)ring_collect(ring);
        flags = spin_lock(&ring->lock);
    }
    bool sleep = ring_stays_idle(ring);
    spin_unlock(&ring->lock, flags);
    return sleep;
}

void ring_busy(struct ring *ring)
{
    irqflags_t flags = spin_lock(&ring->lock);
    ring_set_idle(ring, false);
    spin_unlock(&ring->lock, flags);
}

// Ends records by force, the next ones of a walk that is gone on with. True: there are more, or
// this walk has met one that was not free. (One that another CPU is completing right now becomes
// free when that is through.)
static bool records_end_some(struct ring *ring, uint32_t most)
{
    uint32_t looks = RECORD_LOOKS * most;
    for (uint32_t ended = 0; ring->ending < ring->inflight; ring->ending++) {
        struct request *record = &ring->records[ring->ending];
        if (looks-- == 0 || ended == most) {
            return true;
        }
        if (request_state(record) == REQUEST_FREE) {
            continue;
        }
        ended++;
        ring->ending_again = true;
        (void)request_cancel(record, TS_ERR_CANCELLED, true);
    }
    bool again = ring->ending_again;
    ring->ending = 0;
    ring->ending_again = false;
    return again;
}

bool ring_destroy_some(struct ring *ring, uint32_t most)
{
    irqflags_t flags = spin_lock(&ring->lock);
    ring->destroyed = true;
    ring_set_idle(ring, false);
    struct list *node = NULL;
    for (uint32_t i = 0; i < most && (node = list_pop_front(&ring->pending)) != NULL; i++) {
        if (node == &ring->post.done) {
            continue;
        }
        struct request *record = list_entry(node, struct request, done);
        record->queued = false;
        // (One that is DONE without that is being completed, and comes here by itself.)
        if (record->multishot_ended) {
            ring_record_free(ring, record);
        }
    }
    bool more = !list_empty(&ring->pending);
    spin_unlock(&ring->lock, flags);
    if (more) {
        return true;
    }
    for (uint32_t i = 0; i < RING_BINDINGS_MAX; i++) {
        uint64_t cookie;
        struct port *port = ring_port_get(ring, i, &cookie);
        if (port == NULL) {
            continue;
        }
        (void)port_unbind(port, ring);
        object_put(&port->object);
    }
    return records_end_some(ring, most);
}
