// SPDX-License-Identifier: MIT
// See actors.h.
#include "actors.h"

#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>

#define STACK_BYTES (1u << 16)
#define ALONE_MAX   100u
#define NOBODY      ACTORS // the model itself, on the program's stack

ts_time_t actors_now = 1;
uint32_t actors_pages;

static uint64_t now_seed, random_state;

void actors_check(bool condition, const char *text, const char *file, int line)
{
    if (condition)
        return;
    fprintf(stderr, "%s:%d: not so: %s (sequence %llu)\n", file, line, text,
            (unsigned long long)now_seed);
    abort();
}

void actors_seed(uint64_t seed)
{
    now_seed = seed;
    actors_now = 1;
    random_state = seed * 2654435761u + 88172645463325252u;
}

uint32_t actors_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

// Stacks ------------------------------------------------------------------------------------------

static struct stack {
    void *pointer; // while it does not run
    void *fake;    // the sanitizer's
    const void *bottom;
    size_t bytes;
    bool busy;
} stacks[ACTORS + 1];
static unsigned running = NOBODY;
static void (*running_step)(unsigned actor);
static uint32_t relaxed_alone;

void actors_swap(void **save, void *load);
// What a function has to keep goes to the stack that is left, and comes from the other one.
__asm__("actors_swap:\n"
        "push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
        "mov %rsp, (%rdi)\n mov %rsi, %rsp\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n"
        "ret\n");

static void stack_switch(unsigned next)
{
    struct stack *from = &stacks[running], *to = &stacks[next];
    running = next;
    __sanitizer_start_switch_fiber(&from->fake, to->bottom, to->bytes);
    actors_swap(&from->pointer, to->pointer);
    __sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
}

static void stack_begin(void)
{
    const void *bottom;
    size_t bytes;
    __sanitizer_finish_switch_fiber(NULL, &bottom, &bytes);
    if (stacks[NOBODY].bottom == NULL) { // who comes first comes from there
        stacks[NOBODY].bottom = bottom;
        stacks[NOBODY].bytes = bytes;
    }
    for (;;) {
        running_step(running);
        stacks[running].busy = false;
        unsigned other = 1 - running;
        stack_switch(stacks[other].busy ? other : NOBODY);
    }
}

static void stack_make(struct stack *stack)
{
    stack->bytes = STACK_BYTES;
    stack->bottom = aligned_alloc(16, STACK_BYTES);
    void **top = (void **)((char *)stack->bottom + STACK_BYTES);
    *--top = NULL; // as if it had been called
    *--top = (void *)(uintptr_t)stack_begin;
    for (unsigned i = 0; i < 6; i++)
        *--top = NULL;
    stack->pointer = top;
}

void actor_gap(void)
{
    if (running != NOBODY && stacks[1 - running].busy && actors_random() % 3 == 0)
        stack_switch(1 - running);
}

void actor_wait(const char *what)
{
    if (running == NOBODY || !stacks[1 - running].busy) {
        fprintf(stderr, "%s is waited for by the last who goes (sequence %llu)\n", what,
                (unsigned long long)now_seed);
        abort();
    }
    stack_switch(1 - running);
}

static void retired_destroy(void);

void actors_run(void (*step)(unsigned actor))
{
    running_step = step;
    relaxed_alone = 0;
    for (unsigned i = 0; i < ACTORS; i++) {
        if (stacks[i].pointer == NULL)
            stack_make(&stacks[i]);
        stacks[i].busy = true;
    }
    unsigned first = actors_random() % ACTORS;
    stack_switch(first);
    retired_destroy();
}

// Timers ------------------------------------------------------------------------------------------

static struct list timers = {&timers, &timers};
static struct timer *expiring[ACTORS + 1]; // by whom its callback runs

ts_time_t clock_now(void)
{
    return actors_now;
}

void timer_init(struct timer *timer, void (*expired)(struct timer *))
{
    *timer = (struct timer){.expired = expired};
    list_init(&timer->link);
}

void timer_start(struct timer *timer, ts_time_t deadline)
{
    CHECK(timer->state != 1);
    timer->deadline = deadline;
    timer->state = 1;
    list_push_back(&timers, &timer->link);
}

static bool timer_runs_elsewhere(const struct timer *timer)
{
    for (unsigned i = 0; i <= ACTORS; i++) {
        if (i != running && expiring[i] == timer)
            return true;
    }
    return false;
}

void timer_stop_busy(struct timer *timer)
{
    do {
        if (timer->state == 1)
            list_remove(&timer->link);
        if (expiring[running] == timer)
            expiring[running] = NULL; // its own callback lets go of it
        if (timer_runs_elsewhere(timer))
            actor_wait("a timer's callback");
        else
            timer->state = 0;
    } while (timer->state != 0);
}

static struct timer *timer_due(ts_time_t until)
{
    struct timer *first = NULL;
    list_for_each(node, &timers)
    {
        struct timer *timer = list_entry(node, struct timer, link);
        if (timer->deadline <= until && (first == NULL || timer->deadline < first->deadline))
            first = timer;
    }
    return first;
}

void actors_advance(ts_time_t nanoseconds)
{
    ts_time_t until = actors_now + nanoseconds;
    struct timer *timer;
    while ((timer = timer_due(until)) != NULL) {
        if (timer->deadline > actors_now)
            actors_now = timer->deadline;
        list_remove(&timer->link);
        timer->state = 2;
        expiring[running] = timer;
        timer->expired(timer);
        if (expiring[running] == timer && timer->state == 2)
            timer->state = 0;
        expiring[running] = NULL;
    }
    actors_now = actors_now > until ? actors_now : until;
}

// Environment -------------------------------------------------------------------------------------

static struct object *retired;

void environment_retire(struct object *object)
{
    object->retired = retired;
    retired = object;
}

static void retired_destroy(void)
{
    while (retired != NULL) {
        struct object *object = retired;
        retired = object->retired;
        if (object->class->destroy != NULL)
            object->class->destroy(object);
    }
}

void environment_wake_ring(struct ring *ring)
{
    (void)ring;
}

void environment_wake_thread(struct request *request)
{
    CHECK(request->state == REQUEST_DONE);
    actors_answered(request);
}

void *environment_lend(struct ring *ring, uint8_t priority)
{
    struct borrower *borrower = actors_borrower(ring);
    if (borrower == NULL || priority <= ACTORS_OWN)
        return NULL;
    borrower->loans[priority]++;
    return borrower;
}

void environment_return(void *borrower, uint8_t priority)
{
    struct borrower *from = borrower;
    CHECK(from->loans[priority] != 0);
    from->loans[priority]--;
}

ts_status_t environment_copy(struct address_space *client, uint64_t client_address,
                             uint64_t address, uint32_t length, enum copy_direction direction)
{
    (void)client, (void)client_address, (void)address, (void)length, (void)direction;
    actor_gap(); // the other CPU goes on while a page is copied
    return TS_OK;
}

ts_status_t environment_copy_inbox(struct address_space *client, uint64_t client_address, void *to,
                                   uint32_t length)
{
    (void)client, (void)client_address, (void)to, (void)length;
    return TS_OK;
}

void environment_write_handles(struct address_space *client, uint64_t client_address,
                               const ts_handle_t *handles, uint32_t count)
{
    (void)client, (void)client_address, (void)handles, (void)count;
}

bool environment_handles_charge(struct handle_table *table, uint32_t count)
{
    (void)table, (void)count;
    return true;
}

void environment_handles_uncharge(struct handle_table *table, uint32_t count)
{
    (void)table, (void)count;
}

void *environment_page_get(struct handle_table *table, ts_status_t *out_status)
{
    (void)table;
    *out_status = TS_OK;
    actors_pages++;
    return calloc(1, 4096);
}

void environment_page_put(struct handle_table *table, void *page)
{
    (void)table;
    actors_pages--;
    free(page);
}

bool environment_futex_remove(struct request *request)
{
    (void)request;
    return false;
}

uint32_t environment_cpu(void)
{
    return running == NOBODY ? 0 : running;
}

// (The other one may be through since the condition was looked at.)
void environment_relax(void)
{
    bool alone = running == NOBODY || !stacks[1 - running].busy;
    if (!alone || ++relaxed_alone > ALONE_MAX)
        actor_wait("a page's copy");
}
