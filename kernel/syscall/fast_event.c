// SPDX-License-Identifier: MIT
// Doorbells: `signal` and `wait` by system call on an event, as short as can be. As in fast_path.c
// the records and states are those of the general path (core/object.c), and any doubt is left to
// it. Interrupts are off: what a handle's entry says stays readable, so that no reference is taken
// on the event by a thread that does not wait for it.
#include <syscall/fast_parts.h>

#include <core/request.h>
#include <object/event.h>
#include <sched/sched.h>
#include <syscall/operation.h>
#include <syscall/syscall.h>

#define FEW_OBSERVERS 4u // that object_signal() tells in one go

// The event that the call's handle names with this right.
static struct object *find_event(const struct thread *thread, const struct arch_frame *frame,
                                 ts_rights_t right)
{
    uint64_t word;
    struct handle_entry *entry = handle_find(
        thread->requester.handles, ts_op_word_handle(arch_frame_argument(frame, 0)), &word);
    if (entry == NULL || (word & right) == 0) {
        return NULL;
    }
    struct object *event = fast_entry_object(entry, word);
    return event == NULL || event->class != &event_class ? NULL : event;
}

// The one observer is a thread of this CPU that waits in a system call: it returns with the count.
// Event locked.
static bool give_count(struct object *event, uint64_t count)
{
    struct request *request = list_entry(event->observers.next, struct request, link);
    if (request->requester == NULL) { // a place of a signal that is under way (object_signal)
        return false;
    }
    if (request->requester->ring != NULL || request->mask != TS_SIGNAL_READABLE ||
        request->deadline != TS_DEADLINE_NONE) {
        return false;
    }
    struct thread *waiter = request->requester->thread;
    struct run_queue *queue = run_queue_here();
    spin_lock_off(&queue->lock);
    bool here = fast_is_blocked_here(waiter, queue->cpu, op_continue);
    if (here) {
        list_remove(&request->link);
        event->observer_count = 0;
        request->home = HOME_NONE;
        request_set_state(request, REQUEST_FREE);
        waiter->asking = false;
        arch_frame_set_result(arch_thread_frame(&waiter->machine), TS_OK, count);
        waiter->machine.continuation = NULL;
        run_queue_ready(queue, waiter);
    }
    spin_unlock_off(&queue->lock);
    return here;
}

// Nobody waits. Event locked.
static void add_count(struct object *event, uint64_t count)
{
    event->count = event->count + count < count ? UINT64_MAX : event->count + count;
    if (count != 0) {
        atomic_fetch_or_explicit(&event->signals, TS_SIGNAL_READABLE, memory_order_release);
    }
}

void fast_event_signal(struct thread *thread, struct arch_frame *frame)
{
    uint64_t count = arch_frame_argument(frame, 4);
    struct object *event = find_event(thread, frame, TS_RIGHT_WRITE);
    if (event == NULL) {
        syscall_general(frame);
        return;
    }
    spin_lock_off(&event->lock);
    uint32_t observers = event->observer_count;
    bool given = observers == 1 && count != 0 && event->count == 0 && give_count(event, count);
    if (observers == 0) {
        add_count(event, count);
    }
    spin_unlock_off(&event->lock);
    if (given) {
        object_body_put(event); // the record's reference
    } else if (observers != 0) {
        if (observers > FEW_OBSERVERS || !object_body_try_get(event)) {
            syscall_general(frame);
            return;
        }
        object_signal(event, 0, 0, count);
        object_body_put(event);
    }
    fast_answer(thread, frame, 0);
}

static void fill_record(struct thread *thread, const struct arch_frame *frame, struct object *event)
{
    struct request *request = &thread->request;
    const struct request_terms terms = {
        .op = TS_OP_WAIT,
        .handle = ts_op_word_handle(arch_frame_argument(frame, 0)),
        .priority = thread->priority,
        .deadline = TS_DEADLINE_NONE,
    };
    request_begin(request, &terms);
    request->mask = TS_SIGNAL_READABLE;
    request->observed = event;
    request->home = HOME_OBSERVER;
    request_set_state(request, REQUEST_PARKED);
}

void fast_event_wait(struct thread *thread, struct arch_frame *frame)
{
    bool plain =
        arch_frame_argument(frame, 4) == TS_SIGNAL_READABLE && arch_frame_argument(frame, 5) == 0;
    struct object *event = plain ? find_event(thread, frame, TS_RIGHT_WAIT) : NULL;
    if (event == NULL || !object_body_try_get(event)) {
        syscall_general(frame);
        return;
    }
    spin_lock_off(&event->lock);
    uint64_t count = event->count;
    if (count != 0) {
        event->count = 0;
        atomic_fetch_and_explicit(&event->signals, ~TS_SIGNAL_READABLE, memory_order_relaxed);
        spin_unlock_off(&event->lock);
        object_body_put(event);
        fast_answer(thread, frame, count);
        return;
    }
    fill_record(thread, frame, event);
    list_push_back(&event->observers, &thread->request.link);
    event->observer_count++;
    thread->asking = true;
    atomic_store_explicit(&thread->completed, false, memory_order_relaxed);
    spin_unlock_off(&event->lock);
    process_count(&thread->process->requests_issued, 1);
    thread_block(op_continue);
}
