// SPDX-License-Identifier: MIT
// The run queues of two CPUs (kernel/sched/run_queue.c, sched.c) under random sequences of all that
// is done to them. After each step: a thread is in one place, which its state tells; nobody waits
// for a CPU that does not know of it (rule P03); no wake-up, no stop and no deferred work is lost.
#include <tests/host/check.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/memory.h>
#include <arch/smp.h>
#include <core/timer_queue.h>
#include <mm/heap.h>
#include <panic.h>
#include <sched/run_queue.h>
#include <sched/deferred.h>
#include <sched/sched.h>
#include <setjmp.h>
#include <string.h>

#define CPUS        2u
#define THREADS     6u
#define LEVELS_USED 4u // 1 to 4
#define STEPS       2000000u

// ---- The machine

static struct cpu cpus[CPUS], *here;
static struct thread idles[CPUS];
static bool kicked[CPUS], acts[CPUS]; // in this step
static bool marked[CPUS];             // deferred work
static jmp_buf gone;                  // where a function that does not return goes to
struct statistics statistics_cpu[CPU_MAX];

struct cpu *arch_cpu_self(void)
{
    return here;
}

struct thread *arch_cpu_thread(void)
{
    return here->current;
}

void arch_cpu_kick(struct cpu *cpu)
{
    kicked[cpu->id] = true;
}

uint64_t arch_counter(void)
{
    static uint64_t counter;
    return counter += 1000;
}

ts_time_t clock_now(void)
{
    return 1;
}

uint64_t arch_clock_frequency(void)
{
    return 1000000000;
}

_Noreturn void arch_thread_resume(struct arch_thread *next)
{
    CHECK(next == &here->current->machine);
    longjmp(gone, 1);
}

// A thread that is switched away from goes on some time later: for the test, at its next step.
void arch_thread_switch(struct arch_thread *save, struct arch_thread *next)
{
    CHECK(save != next && next == &here->current->machine);
}

_Noreturn void arch_return_to_user(void)
{
    longjmp(gone, 1);
}

void arch_cpu_idle(void)
{
    longjmp(gone, 1);
}

void timer_init(struct timer *timer, void (*expired)(struct timer *timer))
{
    *timer = (struct timer){.expired = expired};
}

void timer_start(struct timer *timer, ts_time_t deadline)
{
    (void)deadline;
    CHECK(timer_is_idle(timer));
    timer->state = 1;
}

// An end can take long: nobody more important waits for it to begin.
static _Noreturn void thread_end(void)
{
    CHECK(run_queue_top(run_queue_here()) <= here->current->priority);
    here->current->ending = true;
    thread_leave();
}

_Noreturn void panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    exit(1);
}

void *heap_alloc_zeroed(size_t size)
{
    return calloc(1, size);
}

vaddr_t arch_thread_pointer(const struct arch_thread *thread)
{
    (void)thread;
    return 0;
}

void arch_frame_export(const struct arch_frame *frame, struct ts_registers *out_registers)
{
    (void)frame, (void)out_registers;
}

void timer_queue_init(struct timer_queue *queue)
{
    free(queue); // the test plays the timers
}

// ---- What holds after each step

static struct thread threads[THREADS];

static void continuation(void)
{}

static void check_thread(const struct thread *thread)
{
    const struct run_queue *queue = cpus[thread->cpu].queue;
    CHECK_EQUAL(thread->priority, thread_due_priority(thread));
    CHECK_EQUAL(thread->state == THREAD_IS_RUNNING, queue->current == thread);
    CHECK_EQUAL(thread->state == THREAD_IS_READY, !list_empty(&thread->run));
    // A stop reaches a blocked thread at once, others when they would block or leave the kernel.
    if (thread->stopping && !thread->ending) {
        CHECK(thread->state != THREAD_IS_BLOCKED);
    }
    if (thread->stopping && thread->state == THREAD_IS_RUNNING && !thread->ending) {
        CHECK((queue->cpu->need_resched & CPU_THREAD_WORK) != 0);
    }
    if (thread->state == THREAD_IS_BLOCKED) {
        CHECK(!thread->wake_pending);
    }
}

static void rule_p03_who_is_ready_has_its_turn(const struct run_queue *queue)
{
    bool asked = (queue->cpu->need_resched & CPU_RESCHED) != 0;
    int top = run_queue_top(queue), running = queue->current->priority;
    if (top > running || (top >= 0 && queue->current == queue->cpu->idle)) {
        CHECK(asked);
    } else if (top == running) {
        CHECK(asked || timer_is_armed(&queue->slice));
    }
}

static void check_queue(const struct run_queue *queue)
{
    uint32_t ready = 0;
    for (unsigned i = 0; i < PRIORITIES; i++) {
        bool ahead = queue->ahead[i] == NULL;
        list_for_each(node, &queue->queues[i])
        {
            const struct thread *thread = list_entry(node, struct thread, run);
            CHECK_EQUAL(thread->priority, i);
            CHECK(cpus[thread->cpu].queue == queue && thread->state == THREAD_IS_READY);
            ready |= 1u << i;
            ahead |= queue->ahead[i] == node;
        }
        CHECK(ahead);
    }
    CHECK_EQUAL(queue->ready, ready);
    CHECK(queue->current == queue->cpu->current);
    rule_p03_who_is_ready_has_its_turn(queue);
}

static void check_all(void)
{
    for (unsigned i = 0; i < CPUS; i++) {
        CHECK(!marked[i] || (cpus[i].need_resched & CPU_DEFERRED) != 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        check_thread(&threads[i]);
    }
    for (unsigned i = 0; i < CPUS; i++) {
        check_queue(cpus[i].queue);
    }
}

// ---- Steps

static bool idle_here(void)
{
    return here->current == here->idle;
}

static void launch(struct thread *thread)
{
    memset(thread, 0, sizeof(*thread));
    list_init(&thread->run);
    thread->own_priority = thread->priority = (uint8_t)(1 + random_below(LEVELS_USED));
    thread->end = thread_end;
    thread_launch(thread);
}

static void lend_or_return(struct thread *thread)
{
    uint8_t priority = (uint8_t)(1 + random_below(LEVELS_USED));
    if (thread->loans[priority] != 0 && random_below(2) != 0) {
        thread_lend_over(thread, priority);
    } else if (thread->loans[priority] < 3) {
        thread_lend(thread, priority);
    }
}

static void wake(struct thread *thread)
{
    bool blocked = thread->state == THREAD_IS_BLOCKED;
    bool ready = thread->state == THREAD_IS_READY && thread->cpu == here->id;
    if (random_below(2) == 0 || idle_here()) {
        thread_wake(thread);
    } else {
        thread_wake_here(thread); // before its equals, also one that had not blocked yet
        CHECK(!(blocked || ready) ||
              run_queue_here()->queues[thread->priority].next == &thread->run);
    }
    CHECK(blocked ? thread->state == THREAD_IS_READY : thread->wake_pending);
}

// A thread that is ready here comes before its equals; nobody else moves, and on another CPU
// nothing does.
static void rule_p04_who_is_waited_for_goes_first(struct thread *thread)
{
    struct run_queue *queue = run_queue_here();
    const struct list *list = &queue->queues[thread->priority], *first = list->next;
    bool ready = thread->state == THREAD_IS_READY && thread->cpu == here->id;
    thread_go_first(thread);
    CHECK(list->next == (ready ? &thread->run : first));
}

static void rule_d13_a_stop_makes_no_thread_ready(struct thread *thread)
{
    bool blocked = thread->state == THREAD_IS_BLOCKED && !thread->ending;
    uint8_t before = thread->state;
    CHECK_EQUAL(thread_stop(thread), blocked);
    CHECK_EQUAL(thread->state, blocked ? THREAD_IS_DEAD : before);
}

// Something that is done to a thread, from this CPU.
static void act_on(struct thread *thread)
{
    if (thread->state == THREAD_IS_DEAD && random_below(4) != 0) {
        launch(thread);
        return;
    }
    switch (random_below(9)) {
    case 8: rule_p04_who_is_waited_for_goes_first(thread); break;
    case 0: thread_set_priority(thread, (uint8_t)(1 + random_below(LEVELS_USED))); break;
    case 1:
    case 2: lend_or_return(thread); break;
    case 3:
        if (random_below(8) == 0) {
            rule_d13_a_stop_makes_no_thread_ready(thread);
        }
        break;
    default: wake(thread); break;
    }
}

// The way out of the kernel, as often as it is asked for.
static void leave_kernel(void)
{
    if (here->need_resched != 0) {
        thread_exit_work();
    }
}

// A turn ends. The other CPU acts after the callback and before the timer is idle.
static void expire(struct timer *timer)
{
    struct cpu *expires = here;
    timer->state = 2;
    timer->expired(timer);
    here = &cpus[1 - here->id];
    acts[here->id] = true;
    act_on(&threads[random_below(THREADS)]);
    here = expires;
    timer->state = 0;
}

// Something that this CPU's thread does, or an interrupt.
static void run_on(void)
{
    struct run_queue *queue = run_queue_here();
    switch (random_below(8)) {
    case 7:
        marked[here->id] = true;
        deferred_mark();
        break;
    case 0: thread_block(continuation);
    case 1: leave_kernel(); break;
    case 2: thread_yield();
    case 3: thread_give_way(random_below(2000)); break;
    case 4:
        if (here->need_resched != 0) {
            thread_preempt();
        }
        break;
    case 5:
        if (random_below(16) == 0) {
            thread_leave();
        }
        break;
    default:
        if (timer_is_armed(&queue->slice)) {
            expire(&queue->slice);
        }
        break;
    }
}

static void step(void)
{
    here = &cpus[random_below(CPUS)];
    uint32_t before[CPUS];
    for (unsigned i = 0; i < CPUS; i++) {
        before[i] = cpus[i].need_resched;
        kicked[i] = false;
        acts[i] = &cpus[i] == here;
    }
    if (setjmp(gone) == 0) {
        if (random_below(2) != 0) {
            act_on(&threads[random_below(THREADS)]);
        } else if (!idle_here()) {
            run_on();
        } else if (here->need_resched != 0) {
            here->idle->machine.continuation();
        }
    }
    for (unsigned i = 0; i < CPUS; i++) {
        CHECK(acts[i] || cpus[i].need_resched == before[i] || kicked[i]);
    }
    check_all();
}

// ---- Clients and servers

static void leave_by(void (*leave)(void))
{
    if (setjmp(gone) == 0) {
        leave();
    }
}

static void block(void)
{
    thread_block(continuation);
}

static void run_idle(void)
{
    here->idle->machine.continuation();
}

// A slice ends in user mode.
static void slice_end(void)
{
    struct timer *slice = &run_queue_here()->slice;
    CHECK(timer_is_armed(slice));
    slice->state = 2;
    slice->expired(slice);
    slice->state = 0;
    leave_by(leave_kernel);
}

// As a thread that waits for an answer of a server that is ready.
static void call(struct thread *server)
{
    if (run_queue_turn_is_given(here->current)) {
        thread_go_first(server);
    }
    leave_by(block);
}

static void answer(struct thread *client)
{
    if (run_queue_here()->giver == client) {
        thread_wake_here(client);
    } else {
        thread_wake(client);
    }
}

static void begin_with(unsigned count, unsigned ready)
{
    here = &cpus[0];
    for (unsigned i = 0; i < count; i++) {
        memset(&threads[i], 0, sizeof(threads[i]));
        list_init(&threads[i].run);
        threads[i].own_priority = threads[i].priority = 1;
        threads[i].state = THREAD_IS_BLOCKED;
        threads[i].end = thread_end;
        if (i < ready) {
            thread_wake(&threads[i]);
        }
    }
    leave_by(run_idle);
}

// A server that lost the CPU with another client's request has that client's answer to give before
// the one of the client that gave it its turn, which goes on with that turn all the same.
static void rule_p04_another_ones_answer_keeps_the_turn(void)
{
    struct thread *client = &threads[0], *server = &threads[1], *equal = &threads[2];
    struct thread *other = &threads[3];
    begin_with(4, 3);
    CHECK(here->current == client);
    client->asking = true;
    call(server);
    CHECK(here->current == server);
    thread_wake_here(other); // handing over
    CHECK(run_queue_here()->giver == client);
    answer(client);
    client->asking = false;
    leave_by(block);
    CHECK(here->current == client);
    client->asking = true;
    run_queue_here()->giver = NULL;
    thread_wake_here(server); // it had nothing to do, and is called
    CHECK(run_queue_here()->giver == client);
    leave_by(thread_leave);
    CHECK(here->current == server);
    leave_by(thread_leave);
    CHECK(here->current == other);
    leave_by(thread_leave);
    CHECK(here->current == equal);
    leave_by(thread_leave);
    CHECK(idle_here());
}

// A client and its server, which answers at once and computes on, give each other as many turns as
// they like: one that waits beside them runs in each second slice.
static void rule_p03_two_keep_no_equal_off(void)
{
    struct thread *client = &threads[0], *equal = &threads[1], *server = &threads[2];
    begin_with(3, 3);
    CHECK(here->current == client);
    for (unsigned slice = 0, waits = 0; slice < 20; slice++) {
        if (here->current == client) {
            call(server);
            CHECK(here->current == server); // P04
        }
        if (here->current == server && client->state == THREAD_IS_BLOCKED) {
            answer(client);
        }
        waits = here->current == equal ? 0 : waits + 1;
        CHECK(waits < 2);
        slice_end();
    }
    while (!idle_here()) {
        leave_by(thread_leave);
    }
}

// Deferred work, where nothing is held.
static void deferred_done(void)
{
    CHECK(!run_queue_here()->lock.held);
    marked[here->id] = false;
}

int main(void)
{
    deferred_set(deferred_done);
    for (unsigned i = 0; i < CPUS; i++) {
        here = &cpus[i];
        *here = (struct cpu){.self = here, .id = i};
        list_init(&idles[i].run);
        sched_cpu_init(&idles[i]);
    }
    rule_p03_two_keep_no_equal_off();
    rule_p04_another_ones_answer_keeps_the_turn();
    for (unsigned i = 0; i < THREADS; i++) {
        launch(&threads[i]);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step();
    }
    return 0;
}
