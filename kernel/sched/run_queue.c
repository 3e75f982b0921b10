// SPDX-License-Identifier: MIT
// Run queues, switching and waking. See sched.h and run_queue.h.
#include <sched/run_queue.h>
#include <sched/sched.h>
#include <stdatomic.h>

#include <arch/clock.h>
#include <arch/smp.h>
#include <core/time.h>
#include <sched/deferred.h>
#include <base/statistics.h>
#include <panic.h>

static struct run_queue run_queues[CPU_MAX];
static _Atomic uint64_t run_queues_online; // bit: CPU; set once its queue can be used
_Static_assert(CPU_MAX <= 64, "the CPUs are bits of a word");

struct run_queue *run_queue_lock(struct thread *thread, irqflags_t *out_flags) LOCK_UNCHECKED
{
    for (;;) {
        uint32_t cpu = atomic_load_explicit(&thread->cpu, memory_order_relaxed);
        struct run_queue *queue = &run_queues[cpu];
        *out_flags = spin_lock(&queue->lock);
        if (atomic_load_explicit(&thread->cpu, memory_order_relaxed) == cpu) {
            return queue;
        }
        spin_unlock(&queue->lock, *out_flags); // it moved
    }
}

// Queues --------------------------------------------------------------------------------------

static void enqueue(struct run_queue *queue, struct thread *thread, bool first)
{
    struct list *list = &queue->queues[thread->priority];
    thread->state = THREAD_IS_READY;
    if (first) {
        list_push_front(list, &thread->run);
    } else {
        list_push_back(list, &thread->run);
    }
    queue->ready |= 1u << thread->priority;
}

// It runs before its equals, but in the present slice alone.
static void enqueue_ahead(struct run_queue *queue, struct thread *thread)
{
    enqueue(queue, thread, true);
    if (queue->ahead[thread->priority] == NULL) {
        queue->ahead[thread->priority] = &thread->run;
    }
}

// A slice is over: those before which others were put come before them now. The list is a ring, of
// which the head moves on.
static void put_behind(struct run_queue *queue, uint8_t priority)
{
    struct list *list = &queue->queues[priority], *last = queue->ahead[priority];
    if (last == NULL) {
        return;
    }
    list_take_out(list);
    list_insert_between(list, last, last->next);
    queue->ahead[priority] = NULL;
}

static bool is_idle(const struct run_queue *queue)
{
    return queue->current == queue->cpu->idle;
}

void run_queue_ask(struct run_queue *queue, uint32_t work)
{
    atomic_fetch_or_explicit(&queue->cpu->need_resched, work, memory_order_release);
    if (queue->cpu != cpu_current()) {
        arch_cpu_kick(queue->cpu);
    }
}

void run_queue_announce(struct run_queue *queue, const struct thread *thread)
{
    // (A timer that expires this moment may have looked already.)
    bool waiting_turn = !is_idle(queue) && thread->priority == queue->current->priority;
    if (is_idle(queue) || thread->priority > queue->current->priority ||
        (waiting_turn && !timer_is_armed(&queue->slice))) {
        run_queue_ask(queue, CPU_RESCHED);
    }
}

void run_queue_ready(struct run_queue *queue, struct thread *thread)
{
    enqueue(queue, thread, false);
    run_queue_announce(queue, thread);
}

// Waking --------------------------------------------------------------------------------------

void thread_wake(struct thread *thread)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    if (thread->state == THREAD_IS_BLOCKED) {
        run_queue_ready(queue, thread);
    } else {
        thread->wake_pending = true;
    }
    run_queue_unlock(queue, flags);
}

// One that is ready in this CPU's queue, which is locked, runs before its equals. False: it is not.
// (One that is ready and in no queue is moving to another CPU.)
static bool put_ahead(struct run_queue *queue, struct thread *thread)
{
    if (queue != run_queue_here() || thread->state != THREAD_IS_READY || list_empty(&thread->run)) {
        return false;
    }
    run_queue_leave(queue, thread);
    enqueue_ahead(queue, thread);
    return true;
}

void thread_wake_here(struct thread *thread)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    if (thread->state != THREAD_IS_BLOCKED) {
        thread->wake_pending = true;
        if (put_ahead(queue, thread)) { // it lost the CPU on its way to block
            queue->giver = queue->current;
        }
        run_queue_unlock(queue, flags);
        return;
    }
    struct run_queue *here = run_queue_here();
    if (queue != here) {
        // It is READY and in no queue: nobody else moves or runs it until it is in ours.
        thread->state = THREAD_IS_READY;
        atomic_store_explicit(&thread->cpu, here->cpu->id, memory_order_relaxed);
        run_queue_unlock_off(queue);
        run_queue_lock_off(here);
    }
    enqueue_ahead(here, thread);
    here->giver = here->current;
    // The current thread may go on all the same, having been answered meanwhile.
    run_queue_announce(here, thread);
    run_queue_unlock(here, flags);
}

void thread_go_first(struct thread *thread)
{
    irqflags_t flags;
    struct run_queue *here = run_queue_here();
    if (atomic_load_explicit(&thread->cpu, memory_order_relaxed) != here->cpu->id) {
        return;
    }
    if (atomic_load_explicit(TS_ATOMIC(&here->queues[thread->priority].next),
                             memory_order_relaxed) == &thread->run) {
        return; // it is
    }
    struct run_queue *queue = run_queue_lock(thread, &flags);
    (void)put_ahead(queue, thread);
    run_queue_unlock(queue, flags);
}

// The CPUs that run threads, in turn.
static uint32_t next_cpu(void)
{
    static _Atomic uint32_t last;
    uint64_t online = atomic_load_explicit(&run_queues_online, memory_order_acquire);
    uint32_t turn = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed);
    for (uint32_t skip = turn % (uint32_t)__builtin_popcountll(online); skip > 0; skip--) {
        online &= online - 1;
    }
    return (uint32_t)__builtin_ctzll(online);
}

void thread_launch(struct thread *thread)
{
    irqflags_t flags;
    // It may have a handle already: stopping it or setting its priority takes the lock of its
    // queue.
    struct run_queue *queue = run_queue_lock(thread, &flags);
    atomic_store_explicit(&thread->cpu, next_cpu(), memory_order_relaxed);
    run_queue_unlock(queue, flags);
    queue = run_queue_lock(thread, &flags);
    run_queue_ready(queue, thread);
    run_queue_unlock(queue, flags);
}

bool thread_stop(struct thread *thread)
{
    irqflags_t flags;
    struct run_queue *queue = run_queue_lock(thread, &flags);
    thread->stopping = true;
    bool blocked = thread->state == THREAD_IS_BLOCKED && !thread->ending;
    if (blocked) {
        thread->state = THREAD_IS_DEAD;
    } else if (queue->current == thread) {
        run_queue_ask(queue, CPU_THREAD_WORK);
    }
    run_queue_unlock(queue, flags);
    return blocked;
}

// Switching -----------------------------------------------------------------------------------

// A slice is over: the next in line has its turn.
static void slice_expired(struct timer *timer)
{
    struct run_queue *queue = list_entry(timer, struct run_queue, slice);
    spin_lock_off(&queue->lock);
    if (!is_idle(queue) && run_queue_top(queue) >= queue->current->priority) {
        queue->slice_over = true;
        queue->giver = NULL;
        put_behind(queue, queue->current->priority);
        run_queue_ask(queue, CPU_RESCHED);
    }
    spin_unlock_off(&queue->lock);
}

// Takes the thread that is to run out of the queue: the idle thread when there is none.
__attribute__((always_inline)) static inline struct thread *take_next(struct run_queue *queue)
{
    int priority = run_queue_top(queue);
    if (priority < 0) {
        return queue->cpu->idle;
    }
    struct list *list = &queue->queues[priority], *first = list->next;
    if (__builtin_expect(queue->ahead[priority] == first, false)) {
        queue->ahead[priority] = NULL;
    }
    list_remove(first);
    if (list_empty(list)) {
        queue->ready &= ~(1u << priority);
    }
    return list_entry(first, struct thread, run);
}

__attribute__((noinline)) void run_queue_slice_start(struct run_queue *queue)
{
    timer_start(&queue->slice, time_add(clock_now(), SLICE_NS));
}

_Noreturn void thread_block(void (*continuation)(void))
{
    arch_irq_disable();
    struct run_queue *queue = run_queue_here();
    struct thread *thread = queue->current;
    spin_lock_off(&queue->lock);
    bool stop = thread->stopping && !thread->ending;
    thread->machine.continuation = stop ? thread->end : continuation;
    if (stop || thread->wake_pending) {
        thread->wake_pending = false;
        spin_unlock_off(&queue->lock);
        arch_thread_resume(&thread->machine); // the continuation, on an empty stack
    }
    thread->state = THREAD_IS_BLOCKED;
    struct thread *next = take_next(queue);
    run_queue_switch(queue, thread, next);
    spin_unlock_off(&queue->lock);
    arch_thread_resume(&next->machine);
}

_Noreturn void thread_leave(void)
{
    arch_irq_disable();
    struct run_queue *queue = run_queue_here();
    struct thread *thread = queue->current;
    spin_lock_off(&queue->lock);
    thread->state = THREAD_IS_DEAD;
    struct thread *next = take_next(queue);
    run_queue_switch(queue, thread, next);
    spin_unlock_off(&queue->lock);
    arch_thread_resume(&next->machine);
}

// Puts the current thread back into its queue and chooses anew. NULL: it goes on. Interrupts off.
static struct thread *preempt(struct run_queue *queue, bool yield)
{
    struct thread *thread = queue->current, *next = NULL;
    spin_lock_off(&queue->lock);
    int top = run_queue_top(queue);
    bool turn_over = queue->slice_over || yield;
    if (top > thread->priority || (turn_over && top == thread->priority)) {
        next = take_next(queue);
        enqueue(queue, thread, !turn_over);
        if (turn_over) {
            queue->giver = NULL;
        }
        run_queue_switch(queue, thread, next);
    } else {
        queue->slice_over = false;
        if (top == thread->priority && timer_is_idle(&queue->slice)) {
            run_queue_slice_start(queue);
        }
    }
    spin_unlock_off(&queue->lock);
    return next;
}

_Noreturn void thread_yield(void)
{
    arch_irq_disable();
    struct run_queue *queue = run_queue_here();
    queue->current->machine.continuation = NULL;
    struct thread *next = preempt(queue, true);
    if (next == NULL) {
        arch_return_to_user();
    }
    arch_thread_resume(&next->machine);
}

void thread_give_way(uint64_t after_ns)
{
    irqflags_t flags = arch_irq_save();
    struct thread *thread = cpu_current()->current, *next = NULL;
    struct run_queue *queue = run_queue_here();
    // A look without the lock: one that becomes ready just now has its turn the next time.
    if (atomic_load_explicit(TS_ATOMIC(&queue->ready), memory_order_relaxed) >> thread->priority !=
            0 &&
        ticks_to_ns(arch_counter() - queue->switched_at) >= after_ns) {
        next = preempt(queue, true);
    }
    if (next != NULL) {
        arch_thread_switch(&thread->machine, &next->machine);
    }
    arch_irq_restore(flags);
}

void thread_preempt(void)
{
    struct cpu *cpu = cpu_current();
    deferred_poll(cpu);
    atomic_fetch_and_explicit(&cpu->need_resched, ~CPU_RESCHED, memory_order_acquire);
    if (cpu->current == cpu->idle) {
        return; // its loop looks at the queue (and at boot there is neither)
    }
    struct thread *thread = cpu->current;
    struct thread *next = preempt(run_queue_here(), false);
    if (next != NULL) {
        arch_thread_switch(&thread->machine, &next->machine);
    }
}

void thread_exit_work(void)
{
    struct cpu *cpu = cpu_current();
    uint32_t work = atomic_exchange_explicit(&cpu->need_resched, 0, memory_order_acquire);
    if ((work & CPU_DEFERRED) != 0) {
        deferred_do(); // what it marks in turn is seen the next time
    }
    if ((work & CPU_RESCHED) != 0) {
        // In user mode but for this: nothing on the stack is needed any more.
        cpu->current->machine.continuation = NULL;
        struct thread *next = preempt(run_queue_here(), false);
        if (next != NULL) {
            arch_thread_resume(&next->machine);
        }
    }
    // After the others: an end can take long. (A switch to it asks for this again.)
    if ((work & CPU_THREAD_WORK) != 0 && cpu->current->stopping) {
        cpu->current->end();
    }
}

// Idle ----------------------------------------------------------------------------------------

// The idle thread: never in a queue, runs when nothing else is ready.
static _Noreturn void idle_loop(void)
{
    struct run_queue *queue = run_queue_here();
    for (;;) {
        deferred_poll(queue->cpu);
        spin_lock_off(&queue->lock);
        struct thread *next = queue->ready == 0 ? NULL : take_next(queue);
        if (next != NULL) {
            struct thread *idle = queue->cpu->idle;
            idle->state = THREAD_IS_READY;
            idle->machine.continuation = idle_loop;
            run_queue_switch(queue, idle, next);
        }
        if (next == NULL) {
            // It has looked, and idles until it is asked again.
            atomic_fetch_and_explicit(&queue->cpu->need_resched, CPU_DEFERRED,
                                      memory_order_relaxed);
        }
        spin_unlock_off(&queue->lock);
        if (next != NULL) {
            arch_thread_resume(&next->machine);
        }
        uint64_t from = (uint64_t)clock_now();
        arch_cpu_idle();
        statistics_add(STATISTIC_IDLE_NS, (uint64_t)clock_now() - from);
    }
}

void run_queue_init(struct cpu *cpu, struct thread *idle)
{
    struct run_queue *queue = &run_queues[cpu->id];
    spin_init(&queue->lock, "run queue");
    for (unsigned i = 0; i < THREAD_PRIORITIES; i++) {
        list_init(&queue->queues[i]);
    }
    timer_init(&queue->slice, slice_expired);
    atomic_store_explicit(&idle->cpu, cpu->id, memory_order_relaxed);
    idle->state = THREAD_IS_RUNNING;
    idle->machine.continuation = idle_loop;
    queue->cpu = cpu;
    cpu->queue = queue;
    queue->current = idle;
    queue->switched_at = arch_counter();
    cpu->idle = idle;
    cpu->current = idle;
    atomic_fetch_or_explicit(&run_queues_online, UINT64_C(1) << cpu->id, memory_order_release);
}
