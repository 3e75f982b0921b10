// SPDX-License-Identifier: MIT
// The scheduler's part of a direct pass (core/port_direct.h): two threads of this CPU change
// places, if nobody more important is ready. The run queue's lock holds their states still; it is
// taken after those of port and ring. Inside kernel/syscall.
#pragma once

#include <core/port_direct.h>
#include <syscall/fast_parts.h>
#include <syscall/submit.h>

struct pass {
    struct direct_pass direct;
    struct run_queue *queue;
    struct thread *client, *server;
};

DIRECT_INLINE struct pass *pass_of(struct direct_pass *direct)
{
    return list_entry(direct, struct pass, direct);
}

// The current thread can block: nobody has woken it or asked it to end. Its run queue is locked.
static inline bool fast_can_block(const struct thread *thread)
{
    return !(thread->wake_pending | thread->stopping);
}

// What only some passes need (fast_path.c). A request that is more urgent than its server lends it
// its priority, until it is answered: the run queue is locked, and the server is in no queue. A
// ring's thread that was woken and has not run is taken out of the locked queue; NULL: it is not
// there.
DIRECT_APART fast_lend(struct slot *slot, struct thread *server, uint8_t priority);
DIRECT_APART fast_take_woken(struct run_queue *queue, const struct ring *ring,
                             struct thread **out_server);

// The current thread is blocked from here on and `next` returns to user mode.
static inline void fast_switch_to(struct run_queue *queue, struct thread *current,
                                  struct thread *next, void (*continuation)(void))
{
    current->machine.continuation = continuation;
    current->state = THREAD_IS_BLOCKED;
    run_queue_switch(queue, current, next);
}

// ---- The way there: a client's thread, to its server's

DIRECT_INLINE bool fast_call_hold(struct direct_pass *direct) LOCK_UNCHECKED
{
    struct pass *pass = pass_of(direct);
    struct run_queue *queue = pass->queue;
    spin_lock_off(&queue->lock);
    // The server will have the request's priority at least; what the client has been lent since it
    // asked is not in that.
    bool ready =
        fast_can_block(pass->client) && run_queue_top(queue) <= (int)direct->request->priority;
    if (ready && __builtin_expect(direct->ring->idle, true)) {
        pass->server = direct->ring->waiter;
        ready = fast_is_blocked_here(pass->server, queue->cpu, ring_wait_continue);
    } else if (ready) {
        struct thread *server;
        fast_take_woken(queue, direct->ring, &server);
        pass->server = server;
        ready = server != NULL;
    }
    if (!ready) {
        spin_unlock_off(&queue->lock);
    }
    return ready;
}

// (The lock is fast_call_hold()'s.)
DIRECT_INLINE void fast_call_switch(struct pass *pass, void (*continuation)(void)) LOCK_UNCHECKED
{
    struct thread *client = pass->client, *server = pass->server;
    const struct ring *ring = pass->direct.ring;
    // What the server's system call returns with.
    server->ring = NULL;
    arch_frame_set_result(arch_thread_frame(&server->machine), server->submitted,
                          ring->event_tail - ring->event_head);
    // (Its priority as it asked: the client's own may have changed since.)
    if (__builtin_expect(pass->direct.request->priority > server->own_priority, false)) {
        fast_lend(pass->direct.slot, server, pass->direct.request->priority);
    }
    pass->queue->giver = client;
    fast_switch_to(pass->queue, client, server, continuation);
    spin_unlock_off(&pass->queue->lock);
}

// The server goes on. No lock is held.
_Noreturn DIRECT_INLINE void fast_call_leave(struct pass *pass)
{
    process_count(&pass->client->process->requests_issued, 1);
    object_body_put(&pass->direct.ring->object); // the reference that the server's wait held
    arch_thread_return(&pass->server->machine);
}
