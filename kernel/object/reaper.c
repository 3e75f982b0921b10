// SPDX-License-Identifier: MIT
// The reaper. See reaper.h.
#include <object/reaper.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <core/object.h>
#include <object/thread.h>
#include <panic.h>
#include <sched/sched.h>
#include <tessera/abi/syscall.h>
#include <stdatomic.h>

#define FIRST_STEPS 8u
#define TURN_NS     UINT64_C(1000000)   // of others' 10 ms: they do not wait long for their turn
#define HURRY_NS    INT64_C(20000000)   // before others, for a thread that was refused memory,
#define HURRY_AGAIN INT64_C(200000000)  // so often at the most
#define WAIT_NS     INT64_C(1000000000) // that it waits for it

static struct {
    struct spinlock lock; // work, ready
    struct list work[PRIORITIES];
    uint32_t ready;                   // bit p: work[p] is not empty
    _Atomic(struct object *) retired; // a stack of objects, by `retired`
    _Atomic uint32_t retiring;        // bit p: one was retired so since the last look
    _Atomic bool busy;                // it has not said that there is nothing left
    _Atomic ts_time_t hurry_until;    // somebody waits for it, with this priority
    _Atomic ts_time_t hurry_again;
    _Atomic uint8_t hurry_priority;
    _Atomic uint32_t waiting[PRIORITIES]; // threads in reaper_wait, by priority
    struct thread *thread;
    // The reaper's own. Those in `dead` are destroyed; `batch` waits until every CPU has passed the
    // ticket, so that one wait serves all that were retired before it.
    struct object *batch, *dead;
    uint32_t batch_priorities, dead_priorities;
    uint64_t ticket;
    uint8_t acting; // at which priority, now
    uint32_t first; // steps that it still goes before others
} reaper = {.lock = SPINLOCK_INIT("reaper")};

// Whose time it is to take. The reaper acts for what it takes apart, and an interrupt that finds
// nobody running for ordinary programs. (A program's thread may have priority 0, and is then no
// more urgent at its end.)
static uint8_t priority_here(void)
{
    const struct thread *thread = thread_current();
    if (thread != NULL && thread == reaper.thread) {
        return reaper.acting;
    }
    return thread == NULL || thread->process == NULL ? TS_PRIORITY_NORMAL : thread->own_priority;
}

static uint8_t priority_top(uint32_t priorities)
{
    return priorities != 0 ? priority_highest(priorities) : TS_PRIORITY_NORMAL;
}

// Above a thread of this priority.
static uint8_t priority_above(uint8_t priority)
{
    return priority < TS_PRIORITY_MAX ? priority + 1 : TS_PRIORITY_MAX;
}

// Something is to be done at this priority. Interrupts on or off.
static void reaper_call(uint8_t priority)
{
    if (reaper.thread == NULL) {
        return;
    }
    // Pairs with those in priority_adapt and reaper_rest: what is to be done was put where it is
    // looked for before, so either the reaper sees it or it is seen here that it must be told.
    atomic_thread_fence(memory_order_seq_cst);
    bool busy = atomic_load_explicit(&reaper.busy, memory_order_relaxed);
    uint8_t first = busy ? priority : priority_above(priority);
    if (atomic_load_explicit(TS_ATOMIC(&reaper.thread->own_priority), memory_order_relaxed) <
        first) {
        thread_set_priority(reaper.thread, first);
    }
    if (!busy) {
        thread_wake(reaper.thread);
    }
}

void reaper_retire(struct object *object)
{
    uint8_t priority = priority_here();
    struct object *first = atomic_load_explicit(&reaper.retired, memory_order_relaxed);
    do {
        object->retired = first;
        // Pairs with the acquire in batch_take: all that was done with the object comes before.
    } while (!atomic_compare_exchange_weak_explicit(&reaper.retired, &first, object,
                                                    memory_order_release, memory_order_relaxed));
    atomic_fetch_or_explicit(&reaper.retiring, 1u << priority, memory_order_relaxed);
    reaper_call(priority);
}

static void work_push(struct work *work)
{
    irqflags_t flags = spin_lock(&reaper.lock);
    list_push_back(&reaper.work[work->priority], &work->link);
    atomic_store_explicit(TS_ATOMIC(&reaper.ready), reaper.ready | 1u << work->priority,
                          memory_order_relaxed);
    spin_unlock(&reaper.lock, flags);
}

void reaper_queue_at(struct work *work, uint8_t priority)
{
    work->priority = priority;
    work_push(work);
    reaper_call(priority);
}

void reaper_queue(struct work *work)
{
    reaper_queue_at(work, priority_here());
}

// Runs before the caller for a while, unless it did so just now.
static void hurry(uint8_t priority, ts_time_t now)
{
    if (now < atomic_load_explicit(&reaper.hurry_again, memory_order_relaxed)) {
        return;
    }
    atomic_store_explicit(&reaper.hurry_again, now + HURRY_AGAIN, memory_order_relaxed);
    atomic_store_explicit(&reaper.hurry_until, now + HURRY_NS, memory_order_relaxed);
    atomic_store_explicit(&reaper.hurry_priority, priority, memory_order_relaxed);
}

bool reaper_wait_refused(ts_status_t status)
{
    struct thread *thread = thread_current();
    bool by_job = thread->refused_by_job;
    thread->refused_by_job = false;
    if ((status == TS_ERR_LIMIT && !by_job) ||
        !atomic_load_explicit(&reaper.busy, memory_order_acquire)) {
        return false;
    }
    uint8_t priority = atomic_load_explicit(TS_ATOMIC(&thread->priority),
                                            memory_order_relaxed); // what it is lent, too
    ts_time_t now = clock_now(), until = now + WAIT_NS;
    hurry(priority_above(priority), now);
    // While a thread waits the reaper takes turns with it, whatever it acts for: at less it would
    // never run on that CPU.
    atomic_fetch_add_explicit(&reaper.waiting[priority], 1, memory_order_relaxed);
    reaper_call(priority);
    while (atomic_load_explicit(&reaper.busy, memory_order_acquire) && clock_now() < until &&
           !thread->stopping) {
        arch_cpu_relax();
        thread_give_way(0);
    }
    atomic_fetch_sub_explicit(&reaper.waiting[priority], 1, memory_order_relaxed);
    return true;
}

// ---- Work

// The oldest of the most urgent work, or NULL, if it is at least as urgent as one of `priorities`.
static struct work *work_pop(uint32_t priorities)
{
    struct work *work = NULL;
    if (atomic_load_explicit(TS_ATOMIC(&reaper.ready), memory_order_relaxed) == 0) {
        return NULL;
    }
    irqflags_t flags = spin_lock(&reaper.lock);
    if (reaper.ready != 0 && __builtin_clz(reaper.ready) <= __builtin_clz(priorities | 1)) {
        unsigned priority = priority_highest(reaper.ready);
        struct list *list = &reaper.work[priority];
        work = list_entry(list_pop_front(list), struct work, link);
        if (list_empty(list)) {
            atomic_store_explicit(TS_ATOMIC(&reaper.ready), reaper.ready & ~(1u << priority),
                                  memory_order_relaxed);
        }
    }
    spin_unlock(&reaper.lock, flags);
    return work;
}

// Does a chunk of some work, if there is any.
static void work_step(uint32_t priorities)
{
    struct work *work = work_pop(priorities);
    if (work == NULL) {
        return;
    }
    reaper.acting = work->priority;
    if (work->step(work)) {
        work_push(work);
    }
}

// ---- Objects

// What was retired so far becomes the batch that waits.
static void batch_take(void)
{
    reaper.batch_priorities = atomic_exchange_explicit(&reaper.retiring, 0, memory_order_relaxed);
    reaper.batch = atomic_exchange_explicit(&reaper.retired, NULL, memory_order_acquire);
    if (reaper.batch != NULL) {
        reaper.ticket = arch_quiesce_begin();
    }
}

// A CPU that found one of the batch in a handle table, with interrupts off, is through: they are
// dead.
static void batch_finish(void)
{
    reaper.dead = reaper.batch;
    reaper.dead_priorities = reaper.batch_priorities;
    reaper.batch = NULL;
    reaper.batch_priorities = 0;
}

// Destroys some of those that are dead, if there are any.
static void bury_some(void)
{
    if (reaper.batch == NULL) {
        batch_take();
    }
    if (reaper.dead == NULL && reaper.batch != NULL && arch_quiesce_done(reaper.ticket)) {
        batch_finish();
    }
    if (reaper.dead != NULL) {
        reaper.acting = priority_top(reaper.dead_priorities);
    }
    unsigned done = 0;
    for (; reaper.dead != NULL && done < REAPER_CHUNK; done++) {
        struct object *object = reaper.dead;
        reaper.dead = object->retired;
        object->class->destroy(object);
    }
    if (reaper.dead == NULL) {
        reaper.dead_priorities = 0;
    }
}

// ---- The thread

// At least that of each that waits.
static uint8_t priority_waiting(uint8_t priority)
{
    for (unsigned p = PRIORITIES - 1; p > priority; p--) {
        if (atomic_load_explicit(&reaper.waiting[p], memory_order_relaxed) != 0) {
            return (uint8_t)p;
        }
    }
    return priority;
}

// The highest priority of what is to be done.
static uint8_t priority_due(void)
{
    uint32_t ready = atomic_load_explicit(TS_ATOMIC(&reaper.ready), memory_order_relaxed) |
                     reaper.dead_priorities | reaper.batch_priorities |
                     atomic_load_explicit(&reaper.retiring, memory_order_relaxed);
    uint8_t priority = priority_top(ready);
    uint8_t hurry = atomic_load_explicit(&reaper.hurry_priority, memory_order_relaxed);
    if (priority < hurry) {
        if (clock_now() < atomic_load_explicit(&reaper.hurry_until, memory_order_relaxed)) {
            priority = hurry;
        } else {
            atomic_store_explicit(&reaper.hurry_priority, 0, memory_order_relaxed);
        }
    }
    return priority_waiting(priority);
}

static void priority_adapt(void)
{
    for (uint8_t due; (due = priority_due()) != reaper.thread->own_priority;) {
        thread_set_priority(reaper.thread, due);
        // Pairs with the fence in reaper_call: it sees the new priority, or we see what it is for.
        atomic_thread_fence(memory_order_seq_cst);
    }
}

// What has to be done is long: from now on it takes turns with others.
static void take_turns(void)
{
    priority_adapt();
    arch_cpu_relax();
    thread_give_way(TURN_NS);
}

static bool nothing_left(void)
{
    return reaper.dead == NULL && reaper.batch == NULL &&
           atomic_load_explicit(TS_ATOMIC(&reaper.ready), memory_order_relaxed) == 0 &&
           atomic_load_explicit(&reaper.retired, memory_order_relaxed) == NULL;
}

// Waits, unless something came meanwhile.
static void reaper_rest(void)
{
    atomic_store_explicit(&reaper.busy, false, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst); // pairs with the one in reaper_call
    if (nothing_left()) {
        thread_block(reaper_run); // a wake since the last look is not lost
    }
    atomic_store_explicit(&reaper.busy, true, memory_order_relaxed);
}

_Noreturn void reaper_run(void)
{
    atomic_store_explicit(&reaper.busy, true, memory_order_relaxed);
    arch_irq_enable();
    reaper.first = FIRST_STEPS;
    for (;;) {
        work_step(reaper.dead_priorities); // first: it mostly ends with objects
        bury_some();
        if (nothing_left()) {
            reaper_rest();
        } else if (reaper.first > 0) {
            reaper.first--;
        } else {
            take_turns();
        }
    }
}

void reaper_init(struct thread *thread)
{
    for (unsigned i = 0; i < PRIORITIES; i++) {
        list_init(&reaper.work[i]);
    }
    if (thread == NULL) {
        panic("no memory for the reaper");
    }
    reaper.thread = thread;
    thread_launch(thread);
}
