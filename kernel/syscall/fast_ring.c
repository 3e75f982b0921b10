// SPDX-License-Identifier: MIT
// The short way of rings: enter, and an answer by reply_wait that is not direct (fast_path.c), from
// the registers to the way back or to the block. Steps and states are those of ring.c, to which any
// doubt is left before anything was done; what is left out is to let interrupts on in between, and
// what that needs. (submit.c lets them on where much is to be taken.)
//
// What is looked at and done under the ring's lock is done in one hold: entering, no-ops, leaving
// or going idle. A request that comes alone and is waited for goes after that, when its thread
// waits in its ring as any other: so it changes places with its server's as a thread's call does,
// and the server's answer, which is given when that waits as well, changes them back. No two rings
// are locked at a time.
//
// A thread inside needs no reference: the teardown of a ring begins when it has been left, and that
// keeps it (object/ring.c). A thread that sleeps in it has one, as others find it.
#include <syscall/fast_parts.h>
#include <syscall/fast_pass.h>
#include <syscall/fast_path.h>

#include <arch/cpu.h>
#include <arch/user.h>
#include <base/statistics.h>
#include <core/port_run.h>
#include <object/port.h>
#include <object/ring.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <syscall/submit_parts.h>
#include <syscall/syscall.h>

// The thread that was inside last may come again: then the ring stays locked. (ring_enter)
static inline bool may_enter(struct ring *ring, const struct thread *thread)
    __attribute__((try_acquire_capability(true, &ring->lock))) LOCK_UNCHECKED
{
    spin_lock_off(&ring->lock);
    bool may = !(ring->entered | ring->destroyed) && ring->user == thread &&
               ring->shared->version == TS_RING_VERSION;
    if (may) {
        ring->requester.priority = thread->own_priority;
    } else {
        spin_unlock_off(&ring->lock);
    }
    return may;
}

// Shows what is there. Whether the wait, which begins, is over with it. Ring locked.
static inline bool is_enough(struct ring *ring, const struct thread *thread, uint32_t *out_unread)
{
    ring_publish_tail(ring);
    *out_unread = ring_unread(ring);
    if (*out_unread < thread->wait_for) {
        ring->wanted = thread->wait_for;
        return false;
    }
    return true;
}

// It is not enough: the ring is idle from here on, with its thread inside. False: there is
// something to collect, and nothing was changed. Ring locked.
static inline bool go_idle(struct ring *ring, struct thread *thread)
{
    if (!list_empty(&ring->pending) || ring->destroyed ||
        !ring_idle_at_once(ring, thread, cpu_current()->id)) {
        return false;
    }
    object_body_get(&ring->object);
    thread->ring = ring;
    return true;
}

// Nothing has to be done for the wait's end: it has none of its own, or a wake-up is set and comes
// early enough, which then looks at the clock (set_wake_timer).
static inline bool wakes_in_time(const struct thread *thread)
{
    return thread->wait_until == TS_DEADLINE_NONE ||
           (timer_is_armed(&thread->wake_timer) &&
            thread->wake_timer.deadline <= thread->wait_until);
}

// What is there is looked at, and the ring is idle if that is not enough.
static inline bool falls_asleep(struct ring *ring, struct thread *thread)
{
    uint32_t unread;
    return !is_enough(ring, thread, &unread) && wakes_in_time(thread) && go_idle(ring, thread);
}

// Waits as ring.c does, which looks at what is there, unless that is known to be too few events and
// nothing else. The ring is not locked any more.
static __attribute__((noinline)) void wait_in(struct ring *ring, struct thread *thread,
                                              bool too_few)
{
    object_body_get(&ring->object);
    thread->ring = ring;
    arch_irq_enable();
    if (too_few) {
        ring_wait_for_more(thread);
    } else {
        ring_wait(thread);
    }
    arch_irq_disable();
}

// The second half of enter. The ring is locked, and its thread inside.
static inline __attribute__((always_inline)) void wait_locked(struct ring *ring,
                                                              struct thread *thread,
                                                              struct arch_frame *frame)
    LOCK_RELEASES(&ring->lock)
{
    uint32_t unread;
    bool enough = is_enough(ring, thread, &unread);
    bool timed = !enough && !wakes_in_time(thread);
    bool sleeps = !enough && !timed && go_idle(ring, thread);
    bool all = (enough || timed) && list_empty(&ring->pending) && !ring->destroyed &&
               !ring_ports_have_items(ring);
    bool leaves = enough && all;
    if (leaves) {
        ring_flag_pending(ring, false);
        arch_frame_set_result(frame, thread->submitted, unread);
    }
    ring->entered = !leaves;
    spin_unlock_off(&ring->lock);
    if (sleeps) {
        thread_block(ring_wait_continue);
    } else if (!leaves) {
        wait_in(ring, thread, all);
    }
}

// ---- A request that is waited for

// (The lock is fast_call_hold()'s.)
DIRECT_INLINE void ask_change(struct direct_pass *direct) LOCK_UNCHECKED
{
    fast_call_switch(pass_of(direct), ring_wait_continue);
}

// The record is issued, by a thread that waits in its ring. No lock is held.
_Noreturn static inline void ask_and_sleep(struct thread *thread, struct request *request,
                                           const struct named *named)
{
    struct pass pass = {
        .direct = {.request = request}, .queue = run_queue_here(), .client = thread};
    struct served *served = served_of(named->object);
    if (request->deadline == TS_DEADLINE_NONE &&
        atomic_load_explicit(&pass.queue->cpu->need_resched, memory_order_relaxed) == 0 &&
        direct_call(&pass.direct, served, named->entry, named->word, fast_call_hold, ask_change)) {
        fast_call_leave(&pass);
    }
    process_count(&thread->process->requests_issued, 1);
    port_issue(request, served, named->entry, named->word);
    thread_block(ring_wait_continue);
}

// Takes the one submission, which is a request, and need not return. False: it is not plain. The
// ring is locked, also afterwards.
static __attribute__((noinline)) bool ask_one(struct ring *ring, struct thread *thread,
                                              const struct ts_submission *slot, uint64_t word)
    LOCK_REQUIRES(&ring->lock)
{
    struct named named = {.handle = TS_HANDLE_NONE};
    struct request *request = NULL;
    if (ring->free != NULL && submission_is_plain(&named, thread, word)) {
        request = submission_fill(ring, thread, &named, slot, word);
    }
    if (request == NULL) {
        return false;
    }
    ring->submit_head++;
    submissions_taken(ring);
    statistics_add(STATISTIC_REQUESTS, 1);
    thread->submitted = 1;
    ring->entered = true;
    bool sleeps = falls_asleep(ring, thread);
    spin_unlock_off(&ring->lock);
    if (sleeps) {
        ask_and_sleep(thread, request, &named);
    }
    process_count(&thread->process->requests_issued, 1);
    // That the entry has not changed is seen when the port is locked.
    port_issue(request, served_of(named.object), named.entry, named.word);
    spin_lock_off(&ring->lock);
    return true;
}

// ---- Enter

static inline struct ring *find_ring(const struct thread *thread, ts_handle_t handle)
{
    uint64_t word;
    struct handle_entry *entry = handle_find(thread->requester.handles, handle, &word);
    struct object *object = entry == NULL ? NULL : fast_entry_object(entry, word);
    return object == NULL || object->class != &ring_class ? NULL : ring_of(object);
}

// Takes `most` of any kind, which are there. The ring is locked, also afterwards.
static __attribute__((noinline)) void submit(struct ring *ring, struct thread *thread,
                                             uint32_t most) LOCK_REQUIRES(&ring->lock)
{
    ring->entered = true;
    spin_unlock_off(&ring->lock);
    thread->submitted = ring_submit(ring, thread, most);
    spin_lock_off(&ring->lock);
}

// Takes the one submission, a no-op. False: it is not plain, or there is no room.
static inline bool submit_nop(struct ring *ring, struct thread *thread)
{
    if (submission_take_nops(ring, ring->submit_head, 1) == 0) {
        return false;
    }
    ring->submit_head++;
    submissions_taken(ring);
    process_count(&thread->process->requests_issued, 1);
    thread->submitted = 1;
    return true;
}

// The one that is there, in the short way if there is one for it.
static inline __attribute__((always_inline)) bool submit_one(struct ring *ring,
                                                             struct thread *thread)
    LOCK_REQUIRES(&ring->lock)
{
    const struct ts_submission *slot = submission_at(ring, ring->submit_head);
    uint64_t word = submission_word(slot);
    if (ring->spare == NULL) {
        return false;
    }
    if (ts_op_word_op(word) == TS_OP_NOP) {
        return submit_nop(ring, thread);
    }
    return thread->wait_for != 0 && submission_is_request(word) &&
           ask_one(ring, thread, slot, word);
}

void fast_ring_enter(struct arch_frame *frame)
{
    struct thread *thread = cpu_current()->current;
    uint64_t word = arch_frame_argument(frame, 0), wait_for = arch_frame_argument(frame, 1);
    struct ring *ring = find_ring(thread, ts_pair_low(word));
    if (ring == NULL || arch_frame_argument(frame, 3) != 0 || wait_for > ring->event_count ||
        !may_enter(ring, thread)) {
        syscall_general(frame);
        return;
    }
    thread->wait_for = (uint32_t)wait_for;
    thread->wait_until = (ts_time_t)arch_frame_argument(frame, 2);
    thread->submitted = 0;
    uint32_t most = submissions_there(ring, ts_pair_high(word));
    if (most != 0 && (most != 1 || !submit_one(ring, thread))) {
        submit(ring, thread, most);
    }
    wait_locked(ring, thread, frame);
}

// ---- Answer and wait

// The bytes, if there are any. False: something is wrong with them, which is found once more and
// told.
static bool push(struct port *port, const struct arch_frame *frame)
{
    uint64_t address = arch_frame_argument(frame, 4), length = arch_frame_argument(frame, 5);
    return length == 0 || (length <= TS_PAGE_SIZE && arch_user_range_ok(address, length) &&
                           port_copy_short(port, arch_frame_argument(frame, 1), COPY_PUSH, address,
                                           (uint32_t)length, 0));
}

DIRECT_INLINE bool answered_hold(struct direct_pass *direct) LOCK_UNCHECKED
{
    struct pass *pass = pass_of(direct);
    struct run_queue *queue = pass->queue;
    struct thread *client = pass->client = direct->ring->waiter;
    spin_lock_off(&queue->lock);
    bool ready = fast_can_block(pass->server) &&
                 fast_is_blocked_here(client, queue->cpu, ring_wait_continue) &&
                 run_queue_top(queue) <= (int)client->priority;
    if (!ready) {
        spin_unlock_off(&queue->lock);
    }
    return ready;
}

// (The lock is answered_hold()'s.)
DIRECT_INLINE void answered_change(struct direct_pass *direct) LOCK_UNCHECKED
{
    struct pass *pass = pass_of(direct);
    struct thread *client = pass->client;
    client->ring = NULL;
    arch_frame_set_result(arch_thread_frame(&client->machine), client->submitted,
                          direct->ring->event_tail - direct->ring->event_head);
    fast_switch_to(pass->queue, pass->server, client, ring_wait_continue);
    spin_unlock_off(&pass->queue->lock);
}

// The answer to a ring's request, by itself. `sleeps`: the thread waits in its ring from here on,
// and the client's may go on in its place. False: it is not such a request, nothing was done.
static inline bool answer_ring(struct thread *thread, struct port *port,
                               const struct arch_frame *frame, bool sleeps)
{
    struct reply_run run;
    reply_run_begin(&run, port);
    bool done =
        reply_run_add(&run, arch_frame_argument(frame, 1),
                      (ts_status_t)arch_frame_argument(frame, 2), arch_frame_argument(frame, 3));
    struct pass pass = {.queue = run_queue_here(), .server = thread};
    if (done && sleeps &&
        atomic_load_explicit(&pass.queue->cpu->need_resched, memory_order_relaxed) == 0 &&
        reply_run_hand_over(&run, &pass.direct, answered_hold, answered_change)) {
        process_count(&thread->process->requests_served, 1);
        object_body_put(&pass.direct.ring->object); // the reference that the client's wait held
        arch_thread_return(&pass.client->machine);
    }
    thread->handing_over = true;
    reply_run_tell(&run);
    thread->handing_over = false;
    reply_run_end(&run);
    return done;
}

// The same of any other that is plain.
static bool answer_any(struct thread *thread, struct port *port, const struct arch_frame *frame)
{
    struct request *request;
    if (port_reply_plain(port, arch_frame_argument(frame, 1),
                         (ts_status_t)arch_frame_argument(frame, 2), arch_frame_argument(frame, 3),
                         &request) != TS_OK) {
        return false;
    }
    thread->handing_over = true;
    request_complete(request);
    thread->handing_over = false;
    return true;
}

// The answer was not given: the thread has not been inside.
static void leave(struct ring *ring, struct thread *thread, bool sleeps)
{
    ring_leave(ring);
    if (sleeps) {
        thread->ring = NULL;
        object_body_put(&ring->object);
    }
}

void fast_ring_reply_wait(struct arch_frame *frame, struct ring *ring, struct port *port)
{
    struct thread *thread = cpu_current()->current;
    // The ring first: an answer that was given cannot be told from one that was not afterwards.
    if (!may_enter(ring, thread)) {
        syscall_general(frame);
        return;
    }
    thread->submitted = 0;
    thread->wait_for = 1;
    thread->wait_until = TS_DEADLINE_NONE;
    ring->entered = true;
    bool sleeps = falls_asleep(ring, thread);
    spin_unlock_off(&ring->lock);
    if (!push(port, frame) ||
        (!answer_ring(thread, port, frame, sleeps) && !answer_any(thread, port, frame))) {
        leave(ring, thread, sleeps);
        syscall_general(frame);
        return;
    }
    process_count(&thread->process->requests_served, 1);
    if (sleeps) {
        thread_block(ring_wait_continue);
    }
    spin_lock_off(&ring->lock);
    wait_locked(ring, thread, frame);
}
