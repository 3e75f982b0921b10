// SPDX-License-Identifier: MIT
// Rings as objects: making, entering and ending them. See ring.h.
#include <object/ring.h>

#include <core/hooks.h>
#include <object/body.h>
#include <object/process.h>
#include <object/transfer.h>
#include <panic.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <string.h>

static bool is_ring_size(uint64_t count)
{
    return count >= TS_RING_MIN && count <= TS_RING_MAX && (count & (count - 1)) == 0;
}

static bool teardown_step(struct work *work);

ts_status_t ring_create(struct process *process, uint64_t submissions, uint64_t events,
                        uint64_t inflight, struct ring **out_ring)
{
    if (!is_ring_size(submissions) || !is_ring_size(events) || inflight == 0 ||
        inflight > TS_RING_MAX) {
        return TS_ERR_ARGUMENT;
    }
    struct account *account = process->account;
    ts_status_t status;
    struct ring *ring = body_create(account, sizeof(*ring), &ring_class, &status);
    if (ring == NULL) {
        return status;
    }
    ring->process = process;
    ring->teardown.step = teardown_step;
    inflight++; // the spare
    size_t bytes = inflight * sizeof(struct request);
    struct request *records = paid_alloc(account, bytes, &status);
    if (records == NULL) {
        goto no_records;
    }
    status = memory_create_kernel(account, ring_bytes((uint32_t)submissions, (uint32_t)events),
                                  &ring->mapping);
    if (status != TS_OK) {
        goto no_memory;
    }
    status = process_use(process);
    if (status != TS_OK) {
        goto no_process;
    }
    ring->requester.space = process->space;
    ring->requester.handles = &process->handles;
    ring->requester.client = process->member.job->client;
    ring_init(ring, (uint32_t)submissions, (uint32_t)events, records, (uint32_t)inflight);
    *out_ring = ring;
    return TS_OK;

no_process:
    memory_kernel_unmap(&ring->mapping);
no_memory:
    paid_free(account, records, bytes);
no_records:
    body_destroy(&ring->object, sizeof(*ring));
    return status;
}

// The thread that uses it now is lent priorities for it, and is what kernel/core may name; it
// is kept until another one comes. The ring is locked, so that a request that comes while it is
// entered lends to who is inside. Returns the one before, for the caller to put.
static struct thread *ring_user_set(struct ring *ring, struct thread *thread)
{
    object_get(&thread->object);
    return atomic_exchange_explicit(TS_ATOMIC(&ring->user), thread, memory_order_acq_rel);
}

ts_status_t ring_enter(struct ring *ring, struct thread *thread)
{
    ts_status_t status = TS_OK;
    struct thread *before = NULL;
    spin_lock_off(&ring->lock);
    if (ring->destroyed) {
        status = TS_ERR_PEER_CLOSED;
    } else if (ring->entered) {
        status = TS_ERR_BUSY;
    } else if (ring->shared->version != TS_RING_VERSION) {
        status = TS_ERR_VERSION;
    } else {
        ring->entered = true;
        ring->requester.priority = thread->own_priority;
        before = ring->user != thread ? ring_user_set(ring, thread) : NULL;
    }
    spin_unlock_off(&ring->lock);
    if (before != NULL) {
        object_put(&before->object); // its memory outlasts readers with interrupts off
    }
    return status;
}

void ring_leave(struct ring *ring)
{
    irqflags_t flags = spin_lock(&ring->lock);
    ring->entered = false;
    ring->idle = false;
    bool teardown = ring->unhandled;
    spin_unlock(&ring->lock, flags);
    if (teardown) {
        reaper_queue(&ring->teardown);
    }
}

// ---- Teardown

static bool teardown_step(struct work *work)
{
    struct ring *ring = list_entry(work, struct ring, teardown);
    if (ring->spare != NULL) {
        ring_record_give(ring, ring->spare);
    }
    ring->spare = NULL;
    if (ring_destroy_some(ring, REAPER_CHUNK)) {
        return true;
    }
    object_put(&ring->object);
    return false;
}

// The last handle is closed. A thread may still be inside, if another one closed it: it is sent
// away, and begins the teardown as it leaves.
static void ring_unhandled(struct object *object)
{
    struct ring *ring = ring_of(object);
    object_get(object); // the teardown's
    irqflags_t flags = spin_lock(&ring->lock);
    ring->destroyed = true;
    ring->unhandled = ring->entered;
    bool inside = ring->entered;
    if (ring->idle) {
        ring->idle = false;
        environment_wake_ring(ring);
    }
    spin_unlock(&ring->lock, flags);
    if (!inside) {
        reaper_queue(&ring->teardown);
    }
}

static void ring_destroy(struct object *object)
{
    struct ring *ring = ring_of(object);
    KASSERT(ring->binding_count == 0 && ring->spare == NULL);
    struct process *process = ring->process;
    if (ring->user != NULL) {
        object_put(&ring->user->object);
    }
    memory_kernel_unmap(&ring->mapping);
    paid_free(object->payer, ring->records, ring->inflight * sizeof(struct request));
    body_destroy(object, sizeof(*ring));
    process_unuse(process);
}

// post by system call, from any thread of the process: offset = user_data, arg = value.
static ts_status_t ring_operate(struct object *object, struct operation *operation)
{
    if (operation->op != TS_OP_POST) {
        return TS_ERR_UNSUPPORTED;
    }
    if ((operation->handle_rights & TS_RIGHT_WRITE) == 0) {
        return TS_ERR_RIGHTS;
    }
    ring_post_value(ring_of(object), operation->offset, operation->arg);
    return TS_OK;
}

const struct object_class ring_class = {
    .kind = TS_KIND_RING,
    .name = "ring",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_MAP | TS_RIGHT_WAIT | TS_RIGHT_MANAGE,
    .unhandled = ring_unhandled,
    .destroy = ring_destroy,
    .operate = ring_operate,
};
