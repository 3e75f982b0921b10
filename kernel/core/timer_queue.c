// SPDX-License-Identifier: MIT
// Timers: a hierarchical wheel per CPU.
//
// Time is counted in ticks of 2^10 ns. The wheel stands at tick `now`. A timer for tick d lies at
// the level of the highest 6-bit digit in which d and `now` differ, in the slot that d's digit
// names. So whatever lies in a level comes before whatever lies in a higher one, the slots that are
// used are all ahead of now's digit, and the earliest timer is in the first used slot of the lowest
// used level. When the wheel comes to a slot of a higher level it spreads it over the lower ones: a
// timer is moved at most once a level. A slot of which an interrupt deals with a part alone is gone
// on with before anything else. Inserting and removing take constant time.
//
// The hardware is armed for `armed`, which is not later than the earliest timer, but for the pause
// after an interrupt that could not deal with all that was due; it is written
// when a new timer is earlier, and after each interrupt, not when a timer is stopped.
#include <core/timer_queue.h>

#include <arch/clock.h>
#include <arch/smp.h>
#include <core/time.h>
#include <cpu.h>
#include <base/statistics.h>
#include <panic.h>

#define TIMERS_PER_INTERRUPT 16 // called or moved: bounds the time with interrupts off
#define LOOK_AT_MOST         8  // timers of a slot whose exact deadlines are looked at

enum timer_state { TIMER_IDLE, TIMER_ARMED, TIMER_RUNNING };

static struct timer_queue *queues[CPU_MAX];

void timer_queue_init(struct timer_queue *queue)
{
    spin_init(&queue->lock, "timer queue");
    for (unsigned level = 0; level < TIMER_LEVELS; level++) {
        for (unsigned slot = 0; slot < TIMER_SLOTS; slot++) {
            list_init(&queue->slots[level][slot]);
        }
    }
    queue->now = queue->seen = (uint64_t)clock_now() >> TIME_TICK_SHIFT;
    queues[cpu_current()->id] = queue;
}

// Where a tick belongs, seen from `now`. What is due lies in the slot that the wheel stands at.
static unsigned place(const struct timer_queue *queue, uint64_t tick, unsigned *out_slot)
{
    if (tick < queue->now) {
        tick = queue->now;
    }
    uint64_t difference = tick ^ queue->now;
    unsigned level =
        difference == 0 ? 0 : (63 - (unsigned)__builtin_clzll(difference)) / TIMER_LEVEL_BITS;
    *out_slot = (unsigned)(tick >> (level * TIMER_LEVEL_BITS)) & (TIMER_SLOTS - 1);
    return level;
}

static void insert(struct timer_queue *queue, struct timer *timer, uint64_t tick)
{
    unsigned slot;
    unsigned level = place(queue, tick, &slot);
    list_push_back(&queue->slots[level][slot], &timer->link);
    queue->used[level] |= UINT64_C(1) << slot;
    queue->levels |= 1u << level;
}

// The tick that a new timer lies at: its deadline's. One that is due already comes behind those
// that are, as if it were due now: else a program that goes on making such would keep the wheel
// where it is, and whatever comes later (a slice's end!) from its turn.
static uint64_t turn_of(struct timer_queue *queue, ts_time_t deadline)
{
    uint64_t tick = time_tick_of(deadline);
    // Most are far ahead: no look at the clock. (Ahead of the clock as it was, not of the wheel,
    // which may be behind: there is room for passed deadlines between the two.)
    if (tick >= queue->seen + TIMER_SLOTS) {
        return tick;
    }
    queue->seen = (uint64_t)clock_now() >> TIME_TICK_SHIFT;
    return tick > queue->seen ? tick : queue->seen;
}

// After a slot may have become empty.
static void tidy(struct timer_queue *queue, unsigned level, unsigned slot)
{
    if (!list_empty(&queue->slots[level][slot])) {
        return;
    }
    queue->used[level] &= ~(UINT64_C(1) << slot);
    if (queue->used[level] == 0) {
        queue->levels &= ~(1u << level);
    }
}

// Takes an armed timer out. Its slot follows from the wheel's position only for the one in which it
// was inserted, so an emptied slot is recognised by its own head.
static void take_out(struct timer_queue *queue, struct timer *timer)
{
    struct list *next = timer->link.next;
    bool last = next == timer->link.prev;
    list_remove(&timer->link);
    if (last && next >= &queue->slots[0][0] &&
        next <= &queue->slots[TIMER_LEVELS - 1][TIMER_SLOTS - 1]) {
        unsigned index = (unsigned)(next - &queue->slots[0][0]);
        tidy(queue, index / TIMER_SLOTS, index % TIMER_SLOTS);
    }
}

// The lowest used level; or that of the slot which has been begun with: what is left in it may come
// before what was moved down already.
static unsigned first_level(const struct timer_queue *queue)
{
    unsigned begun = queue->unfinished;
    unsigned digit = (unsigned)(queue->now >> (begun * TIMER_LEVEL_BITS)) & (TIMER_SLOTS - 1);
    if (begun != 0 && (queue->used[begun] >> digit & 1) != 0) {
        return begun;
    }
    return (unsigned)__builtin_ctz(queue->levels);
}

// The first used slot, and the tick at which the wheel comes to it. False: there is none.
static bool first_slot(const struct timer_queue *queue, unsigned *out_level, unsigned *out_slot,
                       uint64_t *out_tick)
{
    if (queue->levels == 0) {
        return false;
    }
    unsigned level = first_level(queue);
    unsigned slot = (unsigned)__builtin_ctzll(queue->used[level]);
    unsigned shift = level * TIMER_LEVEL_BITS;
    uint64_t above = shift + TIMER_LEVEL_BITS < 64
                         ? queue->now >> (shift + TIMER_LEVEL_BITS) << (shift + TIMER_LEVEL_BITS)
                         : 0;
    *out_level = level;
    *out_slot = slot;
    *out_tick = level == 0 ? (queue->now & ~(uint64_t)(TIMER_SLOTS - 1)) | slot
                           : above | (uint64_t)slot << shift;
    return true;
}

// When the hardware is to interrupt next; 0 = never. A crowded slot is as early as its start.
static ts_time_t next_deadline(const struct timer_queue *queue)
{
    unsigned level, slot;
    uint64_t tick;
    if (!first_slot(queue, &level, &slot, &tick)) {
        return 0;
    }
    if (level == 0) {
        return time_of_tick(tick);
    }
    uint64_t earliest = UINT64_MAX;
    unsigned looked = 0;
    list_for_each(node, &queue->slots[level][slot])
    {
        if (++looked > LOOK_AT_MOST) {
            return time_of_tick(tick);
        }
        uint64_t due = time_tick_of(list_entry(node, struct timer, link)->deadline);
        earliest = due < earliest ? due : earliest;
    }
    return time_of_tick(earliest);
}

static void arm(struct timer_queue *queue, ts_time_t deadline)
{
    queue->armed = deadline;
    timer_arm(deadline);
}

void timer_init(struct timer *timer, void (*expired)(struct timer *timer))
{
    *timer = (struct timer){.expired = expired};
    list_init(&timer->link);
}

void timer_start(struct timer *timer, ts_time_t deadline)
{
    irqflags_t flags = arch_irq_save();
    uint32_t cpu = cpu_current()->id;
    struct timer_queue *queue = queues[cpu];
    ts_time_t due = time_of_tick(time_tick_of(deadline));
    spin_lock_off(&queue->lock);
    KASSERT(atomic_load_explicit(&timer->state, memory_order_relaxed) != TIMER_ARMED);
    timer->deadline = deadline;
    timer->cpu = cpu;
    atomic_store_explicit(&timer->state, TIMER_ARMED, memory_order_release);
    insert(queue, timer, turn_of(queue, deadline));
    if (queue->armed == 0 || due < queue->armed) {
        arm(queue, due);
    }
    spin_unlock_off(&queue->lock);
    arch_irq_restore(flags);
}

void timer_stop_busy(struct timer *timer)
{
    irqflags_t flags = arch_irq_save();
    struct timer_queue *queue = queues[timer->cpu];
    spin_lock_off(&queue->lock);
    if (atomic_load_explicit(&timer->state, memory_order_relaxed) == TIMER_ARMED) {
        take_out(queue, timer);
        atomic_store_explicit(&timer->state, TIMER_IDLE, memory_order_relaxed);
    }
    bool running = atomic_load_explicit(&queue->running, memory_order_relaxed) == timer;
    if (running && queue == queues[cpu_current()->id]) {
        // The callback is our caller, since callbacks are not preempted: let go of the timer.
        atomic_store_explicit(&timer->state, TIMER_IDLE, memory_order_relaxed);
        atomic_store_explicit(&queue->running, NULL, memory_order_relaxed);
        running = false;
    }
    spin_unlock_off(&queue->lock);
    // Pairs with the release after the callback in expire_one.
    while (running && atomic_load_explicit(&queue->running, memory_order_acquire) == timer) {
        arch_cpu_relax();
        arch_smp_serve();
    }
    arch_irq_restore(flags);
    if (running) {
        timer_stop(timer); // the callback may have armed it again
    }
}

// Calls one timer. Queue locked on entry and on return, not during the call.
static void expire_one(struct timer_queue *queue, struct timer *timer) LOCK_UNCHECKED
{
    atomic_store_explicit(&timer->state, TIMER_RUNNING, memory_order_relaxed);
    atomic_store_explicit(&queue->running, timer, memory_order_relaxed);
    spin_unlock_off(&queue->lock);
    timer->expired(timer);
    spin_lock_off(&queue->lock);
    if (atomic_load_explicit(&queue->running, memory_order_relaxed) != timer) {
        return; // it let go: the memory may be another's
    }
    uint8_t running = TIMER_RUNNING;
    atomic_compare_exchange_strong_explicit(&timer->state, &running, TIMER_IDLE,
                                            memory_order_release, memory_order_relaxed);
    atomic_store_explicit(&queue->running, NULL, memory_order_release);
}

// The wheel comes to a slot: what is due is called, the rest spread over lower levels. Returns how
// many timers were dealt with, at most `most`; those that are left are found again.
static unsigned turn_to(struct timer_queue *queue, unsigned level, unsigned slot, uint64_t tick,
                        unsigned most)
{
    struct list *head = &queue->slots[level][slot];
    unsigned done = 0;
    if (tick > queue->now) {
        queue->now = tick;
    }
    while (!list_empty(head) && done < most) {
        struct timer *timer = list_entry(list_pop_front(head), struct timer, link);
        tidy(queue, level, slot);
        if (time_tick_of(timer->deadline) <= queue->now) {
            expire_one(queue, timer);
        } else {
            insert(queue, timer, time_tick_of(timer->deadline));
        }
        done++;
    }
    queue->unfinished = list_empty(head) ? 0 : level;
    return done;
}

void timer_queue_expire(void)
{
    struct timer_queue *queue = queues[cpu_current()->id];
    if (queue == NULL) {
        return;
    }
    statistics_add(STATISTIC_TIMER_INTERRUPTS, 1);
    spin_lock_off(&queue->lock);
    ts_time_t now = clock_now();
    uint64_t until = (uint64_t)now >> TIME_TICK_SHIFT, tick;
    queue->seen = until;
    unsigned level, slot, most = TIMERS_PER_INTERRUPT;
    while (most > 0 && first_slot(queue, &level, &slot, &tick) && tick <= until) {
        most -= turn_to(queue, level, slot, tick, most);
    }
    if (most == 0) {
        // The rest soon. Programs can make more timers due than a CPU can deal with: threads have
        // at least as long for themselves as this took.
        arm(queue, time_add(clock_now(), clock_now() - now));
    } else {
        if (queue->now < until) {
            queue->now = until; // nothing lies between
        }
        arm(queue, next_deadline(queue));
    }
    spin_unlock_off(&queue->lock);
}
