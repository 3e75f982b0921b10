// SPDX-License-Identifier: MIT
// The system calls enter and reply_wait: submitting, answering, and waiting for events.
//
//   enter       a1 = ring | submit << 32, a2 = wait_for, a3 = deadline, a4 = upcall mask (0)
//               status = submissions taken or a status, value = unread events
//   reply_wait  a1 = ring | port << 32, a2 = request id, a3 = status, a4 = value, a5 = address,
//               a6 = length; status, value = unread events
//
// A thread that waits is in its ring (thread.ring), which is idle; what it returns with is in
// thread.submitted. Both calls wait alike.
#include <syscall/fast_parts.h>
#include <syscall/submit.h>
#include <syscall/submit_parts.h>
#include <syscall/syscall.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <core/handle_table.h>
#include <core/ring_publish.h>
#include <object/server_reply.h>
#include <object/process.h>
#include <sched/sched.h>
#include <stdatomic.h>

// A ring of the caller, entered and with a reference; it is left by leave(). Interrupts on.
static ts_status_t enter(struct thread *thread, ts_handle_t handle)
{
    struct handle held;
    arch_irq_disable();
    ts_status_t status = handle_lookup(thread->requester.handles, handle, 0, &held);
    if (status == TS_OK && held.object->class != &ring_class) {
        status = TS_ERR_KIND;
    }
    if (status == TS_OK && !object_body_try_get(held.object)) {
        status = TS_ERR_HANDLE;
    }
    if (status == TS_OK) {
        struct ring *ring = ring_of(held.object);
        status = ring_enter(ring, thread);
        if (status == TS_OK) {
            thread->ring = ring;
        } else {
            object_body_put(held.object);
        }
    }
    arch_irq_enable();
    return status;
}

static void leave(struct thread *thread)
{
    struct ring *ring = thread->ring;
    thread->ring = NULL;
    ring_leave(ring);
    object_body_put(&ring->object);
}

enum found { ENOUGH, NOT_ENOUGH, MORE_TO_COLLECT };

// Looks at what is there. If it is enough and nothing else is to be collected, it becomes the
// result and the ring is left: most waits end so, or need not begin. The wait's timer is idle.
// Interrupts off.
static enum found leave_if_enough(struct thread *thread)
{
    struct ring *ring = thread->ring;
    spin_lock_off(&ring->lock);
    ring->wanted = thread->wait_for; // so many are collected with interrupts on, before the sleep
    ring_publish_tail(ring);
    uint32_t unread = ring_unread(ring);
    bool all = list_empty(&ring->pending) && !ring->destroyed && !ring_ports_have_items(ring);
    bool enough = all && unread >= thread->wait_for;
    if (enough) {
        ring_flag_pending(ring, false);
        ring_set_idle(ring, false);
        ring->entered = false;
    }
    spin_unlock_off(&ring->lock);
    if (!enough) {
        return all ? NOT_ENOUGH : MORE_TO_COLLECT;
    }
    arch_frame_set_result(arch_thread_frame(&thread->machine), thread->submitted, unread);
    thread->ring = NULL;
    object_body_put(&ring->object);
    return ENOUGH;
}

// Whether the wait is over whatever has come.
static bool wait_is_over(struct thread *thread)
{
    return (thread->wait_until != TS_DEADLINE_NONE && thread->wait_until <= clock_now()) ||
           atomic_load_explicit(TS_ATOMIC(&thread->ring->destroyed), memory_order_relaxed);
}

// Sets the results and leaves the ring.
static void finish(struct thread *thread, uint32_t unread)
{
    bool destroyed =
        atomic_load_explicit(TS_ATOMIC(&thread->ring->destroyed), memory_order_relaxed);
    arch_frame_set_result(arch_thread_frame(&thread->machine),
                          destroyed ? TS_ERR_HANDLE : (int64_t)thread->submitted, unread);
    leave(thread);
}

// The wake-up of a wait is not taken back when the wait ends otherwise: most waits do, and the next
// one can use it. What it wakes too early looks again and goes on waiting. So it is only moved to
// come earlier.
static void set_wake_timer(struct thread *thread)
{
    struct timer *timer = &thread->wake_timer;
    if (timer_is_armed(timer) && timer->deadline <= thread->wait_until) {
        return; // if it expires right now, its callback wakes us from the sleep to come
    }
    timer_stop(timer);
    timer_start(timer, thread->wait_until);
}

// Waits, since what was there is not enough. In the end `finish` has been called. It returns only
// if it did not block, else it ends in user mode.
static void sleep_in_ring(struct thread *thread)
{
    struct ring *ring = thread->ring;
    // Before the ring is idle: a wake that comes first is not lost, only early.
    if (thread->wait_until != TS_DEADLINE_NONE) {
        set_wake_timer(thread);
    }
    // Interrupts are on, since this collects what came meanwhile, which may be much. A wake that
    // comes before we block is kept (wake_pending).
    if (ring_idle(ring, thread->wait_for, thread, cpu_current()->id)) {
        thread_block(ring_wait_continue);
    }
    finish(thread, ring_collect(ring)); // something came, or a wait that would never end
}

static void collect_or_sleep(struct thread *thread)
{
    uint32_t unread = ring_collect(thread->ring);
    if (unread >= thread->wait_for || wait_is_over(thread)) {
        finish(thread, unread);
    } else {
        sleep_in_ring(thread);
    }
}

_Noreturn void ring_wait_continue(void)
{
    struct thread *thread = thread_current();
    if (leave_if_enough(thread) == ENOUGH) {
        arch_return_to_user();
    }
    arch_irq_enable();
    if (atomic_load_explicit(TS_ATOMIC(&thread->ring->idle), memory_order_relaxed)) {
        ring_busy(thread->ring); // not a ring's event woke us
    }
    collect_or_sleep(thread);
    arch_irq_disable();
    arch_return_to_user();
}

void ring_wait_for_more(struct thread *thread)
{
    if (wait_is_over(thread)) {
        finish(thread, ring_collect(thread->ring));
    } else {
        sleep_in_ring(thread);
    }
}

void ring_wait(struct thread *thread)
{
    arch_irq_disable();
    enum found found = leave_if_enough(thread);
    arch_irq_enable();
    if (found == NOT_ENOUGH) {
        ring_wait_for_more(thread);
    } else if (found == MORE_TO_COLLECT) {
        collect_or_sleep(thread);
    }
}

// The second half of both calls. Interrupts on.
static void wait_for_events(struct thread *thread, uint32_t submitted, uint32_t wait_for,
                            ts_time_t deadline)
{
    thread->submitted = submitted;
    thread->wait_for = wait_for;
    thread->wait_until = deadline;
    ring_wait(thread);
}

void syscall_enter(struct arch_frame *frame)
{
    struct thread *thread = thread_current();
    uint64_t word = arch_frame_argument(frame, 0);
    uint64_t wait_for = arch_frame_argument(frame, 1);
    ts_time_t deadline = (ts_time_t)arch_frame_argument(frame, 2);
    if (arch_frame_argument(frame, 3) != 0) {
        arch_frame_set_result(frame, TS_ERR_ARGUMENT, 0);
        return;
    }
    ts_status_t status = enter(thread, ts_pair_low(word));
    if (status == TS_OK && wait_for > thread->ring->event_count) {
        leave(thread);
        status = TS_ERR_ARGUMENT; // so many will never be unread
    }
    if (status != TS_OK) {
        arch_frame_set_result(frame, status, 0);
        return;
    }
    arch_irq_disable();
    uint32_t most = submissions_there(thread->ring, ts_pair_high(word));
    uint32_t submitted = ring_submit(thread->ring, thread, most);
    arch_irq_enable();
    wait_for_events(thread, submitted, (uint32_t)wait_for, deadline);
}

// The reply in registers: bytes, or a new object.
static ts_status_t reply(struct thread *thread, const struct arch_frame *frame)
{
    struct handle port;
    uint64_t length = arch_frame_argument(frame, 5);
    ts_handle_t handle = ts_pair_high(arch_frame_argument(frame, 0));
    ts_status_t status = handle_get(thread->requester.handles, handle, TS_RIGHT_MANAGE, &port);
    if (status != TS_OK) {
        return status;
    }
    struct server_reply reply = {.fields = reply_of_registers(frame)};
    if (reply.fields.result == TS_REPLY_NONE) {
        reply.address = arch_frame_argument(frame, 4);
        reply.length = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
    }
    if (port.object->class != &port_class) {
        status = TS_ERR_KIND;
    } else if (!reply_registers_are_good(&reply.fields)) {
        status = TS_ERR_ARGUMENT;
    } else {
        status = server_reply_give(port_of(port.object), &reply, true);
    }
    object_put(port.object);
    return status;
}

void syscall_reply_wait(struct arch_frame *frame)
{
    struct thread *thread = thread_current();
    // The ring first: a reply that was made cannot be told from one that was not afterwards.
    ts_status_t status = enter(thread, ts_pair_low(arch_frame_argument(frame, 0)));
    if (status == TS_OK && arch_frame_argument(frame, 1) != 0) {
        status = reply(thread, frame);
        if (status != TS_OK) {
            leave(thread);
        }
    }
    if (status != TS_OK) {
        arch_frame_set_result(frame, status, 0);
        return;
    }
    wait_for_events(thread, 0, 1, TS_DEADLINE_NONE);
}
