// SPDX-License-Identifier: MIT
// The short way of rings: enter, and an answer by reply_wait that is not direct (fast_path.c), from
// the registers to the way back or to the block. Steps and states are those of ring.c, to which any
// doubt is left before anything was done; what is left out is to let interrupts on in between, and
// what that needs. (submit.c lets them on where much is to be taken.)
//
// A thread inside needs no reference: the teardown of a ring begins when it has been left, and that
// keeps it (object/ring.c). A thread that sleeps in it has one, as others find it.
#include <syscall/fast_parts.h>
#include <syscall/fast_path.h>

#include <arch/cpu.h>
#include <arch/user.h>
#include <core/ring_publish.h>
#include <object/port.h>
#include <object/ring.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <syscall/submit.h>
#include <syscall/syscall.h>

// The thread that was inside last comes again. (ring_enter)
static inline bool enter_again(struct ring *ring, const struct thread *thread)
{
    spin_lock_off(&ring->lock);
    bool enters = !(ring->entered | ring->destroyed) && ring->user == thread &&
                  ring->shared->version == TS_RING_VERSION;
    if (enters) {
        ring->entered = true;
        ring->requester.priority = thread->own_priority;
    }
    spin_unlock_off(&ring->lock);
    return enters;
}

// Looks at what is there, as ring_wait() does, and leaves the ring if it is enough. *out_sleeps: it
// is not, and the ring is idle. True: enough.
static inline bool leave_or_idle(struct ring *ring, struct thread *thread, uint32_t *out_unread,
                                 bool *out_sleeps)
{
    spin_lock_off(&ring->lock);
    ring->wanted = thread->wait_for;
    ring_publish_tail(ring);
    *out_unread = ring_unread(ring);
    bool all = list_empty(&ring->pending) && !ring->destroyed && !ring_ports_have_items(ring);
    bool enough = all && *out_unread >= thread->wait_for;
    *out_sleeps = false;
    if (enough) {
        ring_flag_pending(ring, false);
        ring->entered = false;
    } else {
        object_body_get(&ring->object);
        thread->ring = ring;
        *out_sleeps = all && thread->wait_until == TS_DEADLINE_NONE &&
                      ring_idle_at_once(ring, thread, cpu_current()->id);
    }
    spin_unlock_off(&ring->lock);
    return enough;
}

// The second half of both calls. The ring is entered.
static void wait_in(struct ring *ring, struct thread *thread, struct arch_frame *frame)
{
    uint32_t unread;
    bool sleeps;
    if (leave_or_idle(ring, thread, &unread, &sleeps)) {
        arch_frame_set_result(frame, thread->submitted, unread);
        return;
    }
    if (sleeps) {
        thread_block(ring_wait_continue);
    }
    arch_irq_enable();
    ring_wait(thread);
    arch_irq_disable();
}

void fast_ring_enter(struct arch_frame *frame)
{
    struct thread *thread = cpu_current()->current;
    uint64_t word = arch_frame_argument(frame, 0), wait_for = arch_frame_argument(frame, 1);
    uint64_t entry_word;
    struct handle_entry *entry =
        handle_find(thread->requester.handles, (ts_handle_t)word, &entry_word);
    struct object *object = entry == NULL ? NULL : fast_entry_object(entry, entry_word);
    if (object == NULL || object->class != &ring_class || arch_frame_argument(frame, 3) != 0 ||
        wait_for > ring_of(object)->event_count || !enter_again(ring_of(object), thread)) {
        syscall_general(frame);
        return;
    }
    struct ring *ring = ring_of(object);
    thread->wait_for = (uint32_t)wait_for;
    thread->wait_until = (ts_time_t)arch_frame_argument(frame, 2);
    thread->submitted = ring_submit(ring, thread, ts_pair_high(word));
    wait_in(ring, thread, frame);
}

// The bytes, if there are any. False: something is wrong with them, which is found once more and
// told.
static bool push(struct port *port, const struct arch_frame *frame)
{
    uint64_t address = arch_frame_argument(frame, 4), length = arch_frame_argument(frame, 5);
    uint32_t bytes;
    return length == 0 || (length <= TS_PAGE_SIZE && arch_user_range_ok(address, length) &&
                           port_copy(port, arch_frame_argument(frame, 1), COPY_PUSH, address,
                                     (uint32_t)length, 0, &bytes) == TS_OK);
}

void fast_ring_reply_wait(struct arch_frame *frame, struct ring *ring, struct port *port)
{
    struct thread *thread = cpu_current()->current;
    struct request *request;
    // The ring first: an answer that was given cannot be told from one that was not afterwards.
    if (!enter_again(ring, thread)) {
        syscall_general(frame);
        return;
    }
    if (!push(port, frame) || port_reply_plain(port, arch_frame_argument(frame, 1),
                                               (ts_status_t)arch_frame_argument(frame, 2),
                                               arch_frame_argument(frame, 3), &request) != TS_OK) {
        ring_leave(ring);
        syscall_general(frame);
        return;
    }
    thread->handing_over = true;
    request_complete(request);
    thread->handing_over = false;
    process_count(&thread->process->requests_served, 1);
    thread->submitted = 0;
    thread->wait_for = 1;
    thread->wait_until = TS_DEADLINE_NONE;
    wait_in(ring, thread, frame);
}
