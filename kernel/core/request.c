// SPDX-License-Identifier: MIT
// The end of a request, whatever brings it about. See request.h.
#include <stdatomic.h>
#include <arch/clock.h>
#include <core/hooks.h>
#include <core/handle_table.h>
#include <core/request.h>
#include <core/time.h>

static void request_expired(struct timer *timer);

void request_init(struct request *request, struct requester *requester)
{
    request->requester = requester;
    request->state = REQUEST_FREE;
    list_init(&request->link);
    list_init(&request->done);
    timer_init(&request->timer, request_expired);
}

void request_sent_return(struct request *request, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (request->sent[i] == TS_HANDLE_NONE) {
            continue;
        }
        handle_transit_return(request->requester->handles, request->sent[i], request->sent_held[i]);
        request->sent[i] = TS_HANDLE_NONE;
        request->sent_held[i].object = NULL;
    }
}

void request_sent_deliver(struct request *request, struct handle to[TS_CALL_HANDLES])
{
    for (unsigned i = 0; i < request->in_handles; i++) {
        if (request->sent[i] == TS_HANDLE_NONE) {
            continue;
        }
        handle_transit_commit(request->requester->handles, request->sent[i]);
        to[i] = request->sent_held[i];
        request->sent[i] = TS_HANDLE_NONE;
        request->sent_held[i].object = NULL;
    }
}

// Fills the reserved slots with the result handles, releases the rest. Afterwards reserved[] says
// which handles came.
void request_install_results(struct request *request)
{
    struct handle_table *table = request->requester->handles;
    for (unsigned i = 0; i < request->out_handles; i++) {
        if (request->status >= 0 && request->result[i].object != NULL) {
            handle_fill(table, request->reserved[i], request->result[i]);
        } else {
            handle_release(table, request->reserved[i]);
            request->reserved[i] = TS_HANDLE_NONE;
            object_handle_put(request->result[i]);
        }
        request->result[i] = (struct handle){0};
    }
    if (request->out_handles != 0 && request->op != TS_OP_CALL && request->op != TS_OP_WAIT &&
        request->status >= 0) {
        // open with REDIRECT: the bytes consumed go to extra, the handle is the value
        if ((request->event_flags & TS_EVENT_REDIRECT) != 0) {
            request->extra = request->value;
        }
        request->value = request->reserved[0];
    }
}

void request_complete(struct request *request)
{
    struct requester *requester = request->requester;
    timer_stop(&request->timer);
    if (request->client_fault) {
        request->status = TS_ERR_FAULT;
    }
    if (request->in_handles != 0) {
        request_sent_return(request, request->in_handles);
    }
    request_install_results(request);
    if (request->home == HOME_PORT) {
        object_body_put(&request->port->object);
    } else if (request->home == HOME_OBSERVER) {
        object_wait_over(request->observed);
    }
    atomic_store_explicit(TS_ATOMIC(&request->home), HOME_NONE,
                          memory_order_relaxed); // a canceller may look
    if (requester->ring == NULL) {
        environment_wake_thread(request);
        return;
    }
    if (request->op == TS_OP_CALL && request->call_address != 0) {
        environment_write_handles(requester->space, request->call_address, request->reserved,
                                  request->out_handles);
    }
    ring_post_completion(requester->ring, request);
}

static ts_status_t observer_cancel(struct request *request, ts_status_t status)
{
    struct object *object = request->observed;
    irqflags_t flags = spin_lock(&object->lock);
    bool pending = request->state == REQUEST_PARKED;
    if (pending) {
        list_remove(&request->link);
        object->observer_count--;
        request_set_state(request, REQUEST_DONE);
        request->status = status;
    }
    spin_unlock(&object->lock, flags);
    if (!pending) {
        return TS_ERR_NOT_FOUND;
    }
    request_complete(request);
    return TS_OK;
}

// A timeout is claimed by the change of its state; there is no queue to take it from.
static ts_status_t claim_and_complete(struct request *request, ts_status_t status)
{
    uint8_t parked = REQUEST_PARKED;
    if (!atomic_compare_exchange_strong_explicit(TS_ATOMIC(&request->state), &parked, REQUEST_DONE,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        return TS_ERR_NOT_FOUND;
    }
    request->status = status;
    request_complete(request);
    return TS_OK;
}

static ts_status_t futex_cancel(struct request *request, ts_status_t status)
{
    if (!environment_futex_remove(request)) {
        return TS_ERR_NOT_FOUND;
    }
    request_set_state(request, REQUEST_DONE);
    request->status = status;
    request_complete(request);
    return TS_OK;
}

// Where the record is waited for. Interrupts are off since it was seen pending: what it refers to
// was referenced then, and its memory lasts until they are on again, even if the record ends
// meanwhile.
static ts_status_t cancel_at_home(struct request *request, ts_status_t status, bool force)
{
    switch (
        (enum request_home)atomic_load_explicit(TS_ATOMIC(&request->home), memory_order_relaxed)) {
    case HOME_PORT: return port_cancel(request, status, force);
    case HOME_OBSERVER: return observer_cancel(request, status);
    case HOME_TIMER: return claim_and_complete(request, status);
    case HOME_FUTEX: return futex_cancel(request, status);
    case HOME_NONE: break;
    }
    return TS_ERR_NOT_FOUND;
}

ts_status_t request_cancel(struct request *request, ts_status_t status, bool force)
{
    ts_status_t result = TS_ERR_NOT_FOUND;
    irqflags_t flags = arch_irq_save();
    enum request_state state = request_state(request);
    if (state != REQUEST_FREE && state != REQUEST_DONE) {
        result = cancel_at_home(request, status, force);
    }
    arch_irq_restore(flags);
    return result;
}

// The deadline timer's callback (interrupt context).
static void request_expired(struct timer *timer)
{
    struct request *request = list_entry(timer, struct request, timer);
    if (request->home == HOME_PORT) {
        port_expired(request);
    } else if (request->home != HOME_TIMER) {
        (void)request_cancel(request, TS_ERR_TIMED_OUT, false);
    } else if ((request->flags & TS_FLAG_MULTI) != 0) {
        // What was missed is reported with it, and not made up for one by one.
        uint64_t passed;
        ts_time_t next =
            time_next(timer->deadline, (ts_time_t)request->offset, clock_now(), &passed);
        ring_post_more(request, 0, passed);
        timer_start(timer, next);
    } else {
        (void)claim_and_complete(request, TS_OK);
    }
}
