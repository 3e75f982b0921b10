// SPDX-License-Identifier: MIT
// References, handles, signals and waiters of any object. See object.h.
#include <core/hooks.h>
#include <core/object.h>
#include <core/port.h>

#define OBSERVERS_PER_HOLD 16

void object_init(struct object *object, const struct object_class *class)
{
    object->class = class;
    atomic_init(&object->references, 1);
    atomic_init(&object->handles, 0);
    spin_init(&object->lock, "object");
    atomic_init(&object->signals, 0);
    list_init(&object->observers);
    object->observer_count = 0;
    object->count = 0;
}

// What keeps the object's memory: itself, or the port whose slot it is.
static struct object *object_body(struct object *object)
{
    return object->class == &served_class ? &served_of(object)->port->object : object;
}

bool object_try_get(struct object *object)
{
    return object_body_try_get(object_body(object));
}

void object_get(struct object *object)
{
    atomic_fetch_add_explicit(&object_body(object)->references, 1, memory_order_relaxed);
}

void object_put(struct object *object)
{
    object_body_put(object_body(object));
}

void object_retire(struct object *object)
{
    environment_retire(object);
}

struct handle object_handle_get(struct object *object, ts_rights_t rights)
{
    if (object->class == &served_class) {
        served_count_add(served_of(object));
    } else {
        object_get(object);
        atomic_fetch_add_explicit(&object->handles, 1, memory_order_relaxed);
    }
    return (struct handle){.object = object, .rights = rights};
}

void object_handle_drop(struct handle held)
{
    struct object *object = held.object;
    if (object->class == &served_class) {
        served_count_drop(served_of(object));
        return;
    }
    if (atomic_fetch_sub_explicit(&object->handles, 1, memory_order_acq_rel) == 1 &&
        object->class->unhandled != NULL) {
        object->class->unhandled(object);
    }
    object_put(object);
}

static bool object_counts(const struct object *object)
{
    return object->class->kind == TS_KIND_EVENT || object->class->kind == TS_KIND_INTERRUPT;
}

// The count of an event goes to one waiter. Object lock held.
static uint64_t object_take_count(struct object *object)
{
    uint64_t count = object->count;
    object->count = 0;
    atomic_fetch_and_explicit(&object->signals, ~TS_SIGNAL_READABLE, memory_order_relaxed);
    return count;
}

static bool request_is_multishot(const struct request *request)
{
    return (request->flags & TS_FLAG_MULTI) != 0 && request->requester->ring != NULL;
}

// Tells one observer what is set now. True if it is satisfied and leaves. Object lock held.
static bool observer_notify(struct object *object, struct request *request, ts_signals_t signals,
                            ts_signals_t risen)
{
    if (object_counts(object)) {
        if (object->count == 0 || (request->mask & TS_SIGNAL_READABLE) == 0) {
            return false;
        }
        uint64_t count = object_take_count(object);
        if (request_is_multishot(request)) {
            ring_post_more(request, 0, count);
            return false;
        }
        request->value = count;
        return true;
    }
    if (request_is_multishot(request)) {
        if ((risen & request->mask) != 0) {
            ring_post_more(request, risen & request->mask, 0);
        }
        return false;
    }
    request->value = signals;
    return (signals & request->mask) != 0;
}

// Interrupts are off since they became DONE: no waiter for them, be it a ring that ends,
// waits for a less important thread that was preempted here.
static void complete_all(struct list *finished)
{
    struct list *node;
    while ((node = list_pop_front(finished)) != NULL) {
        request_complete(list_entry(node, struct request, link));
    }
}

// Changes the word and the count. Returns the word; *out_risen: the bits that were not set before.
// Object lock held.
static ts_signals_t signals_change(struct object *object, ts_signals_t clear, ts_signals_t set,
                                   uint64_t count, ts_signals_t *out_risen)
{
    if (object_counts(object) && count != 0) {
        object->count = object->count + count < count ? UINT64_MAX : object->count + count;
        set |= TS_SIGNAL_READABLE;
    }
    ts_signals_t old = atomic_load_explicit(&object->signals, memory_order_relaxed);
    ts_signals_t signals = (old & ~clear) | set;
    atomic_store_explicit(&object->signals, signals, memory_order_release);
    if ((clear & TS_SIGNAL_READABLE) != 0 && (set & TS_SIGNAL_READABLE) == 0) {
        object->count = object_counts(object) ? 0 : object->count;
    }
    *out_risen = signals & ~old;
    return signals;
}

// One change of the signals on its way past the observers. Several can be under way in one queue.
struct telling {
    ts_signals_t signals, risen;
    struct list finished; // that were satisfied and have left
    // In the queue while there is more than one hold of the lock: where this one goes on, and
    // behind which those are that came after the change.
    struct request_place next, end;
};

// Tells from `node` on, before `end`. Returns where it stopped. Object lock held.
static struct list *tell_some(struct object *object, struct telling *telling, struct list *node,
                              const struct list *end)
{
    for (unsigned steps = 0; node != end && steps < OBSERVERS_PER_HOLD; steps++) {
        struct request *request = list_entry(node, struct request, link);
        node = node->next;
        if (request->requester == NULL) { // a place of another one
            continue;
        }
        if (!observer_notify(object, request, telling->signals, telling->risen)) {
            continue;
        }
        request_set_state(request, REQUEST_DONE);
        request->status = TS_OK;
        object->observer_count--;
        list_remove(&request->link);
        list_push_back(&telling->finished, &request->link);
    }
    return node;
}

void object_signal(struct object *object, ts_signals_t clear, ts_signals_t set, uint64_t count)
{
    struct telling telling;
    telling.next.requester = telling.end.requester = NULL; // places
    list_init(&telling.finished);
    irqflags_t flags = spin_lock(&object->lock);
    telling.signals = signals_change(object, clear, set, count, &telling.risen);
    struct list *end = &object->observers;
    struct list *node = tell_some(object, &telling, end->next, end);
    if (node != end) {
        end = &telling.end.link;
        list_push_back(&object->observers, end);
    }
    while (node != end) {
        list_push_back(node, &telling.next.link); // before it
        spin_unlock_off(&object->lock);
        complete_all(&telling.finished);
        arch_irq_restore(flags);
        flags = spin_lock(&object->lock);
        node = telling.next.link.next;
        list_remove(&telling.next.link);
        node = tell_some(object, &telling, node, end);
    }
    if (end != &object->observers) {
        list_remove(end);
    }
    spin_unlock_off(&object->lock);
    complete_all(&telling.finished);
    arch_irq_restore(flags);
}

// Whether the wait is over at once. Object lock held.
static bool wait_satisfied(struct object *object, struct request *request)
{
    ts_signals_t signals = atomic_load_explicit(&object->signals, memory_order_relaxed);
    if (object_counts(object)) {
        if (object->count == 0 || (request->mask & TS_SIGNAL_READABLE) == 0) {
            return false;
        }
        request->value = object_take_count(object);
        return true;
    }
    request->value = signals;
    return (signals & request->mask) != 0;
}

void object_wait_over(struct object *object)
{
    if (object->class == &served_class) {
        served_count_drop(served_of(object));
    } else {
        object_body_put(object);
    }
}

void object_wait(struct object *object, struct request *request, ts_signals_t mask)
{
    request->mask = mask;
    request->home = HOME_OBSERVER;
    request->observed = object;
    irqflags_t flags = spin_lock(&object->lock);
    bool satisfied = wait_satisfied(object, request);
    bool multishot = request_is_multishot(request);
    if ((satisfied && !multishot) || (!satisfied && (request->flags & TS_FLAG_NOWAIT) != 0)) {
        request_set_state(request, REQUEST_DONE);
        request->status = satisfied ? TS_OK : TS_ERR_AGAIN;
        spin_unlock(&object->lock, flags);
        request_complete(request);
        return;
    }
    request_set_state(request, REQUEST_PARKED);
    list_push_back(&object->observers, &request->link);
    object->observer_count++;
    if (request->deadline != TS_DEADLINE_NONE) {
        timer_start(&request->timer, request->deadline);
    }
    uint64_t value = request->value;
    request->value = 0;
    if (multishot && satisfied) {
        if (object_counts(object)) {
            ring_post_more(request, 0, value);
        } else {
            ring_post_more(request, (ts_signals_t)value & mask, 0);
        }
    }
    spin_unlock(&object->lock, flags);
}
