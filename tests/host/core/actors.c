// SPDX-License-Identifier: MIT
// See actors.h.
#include "actors.h"

#include <sanitizer/common_interface_defs.h>
#include <spinlock.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define STACK_BYTES  (1u << 16)
#define ALONE_MAX    100u
#define PAUSE_ONE_IN 4u
#define NOBODY       ACTORS // the model itself, on the program's stack

// ---- Stacks

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
    if (stacks[NOBODY].bottom == NULL) { // the first one comes from there
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
    for (unsigned i = 0; i < 6; i++) {
        *--top = NULL;
    }
    stack->pointer = top;
}

static bool alone(void)
{
    return running == NOBODY || !stacks[1 - running].busy;
}

unsigned actors_running(void)
{
    return running;
}

void actor_may_pause(void)
{
    if (!alone() && world_random() % PAUSE_ONE_IN == 0) {
        stack_switch(1 - running);
    }
}

void actor_wait(const char *what)
{
    if (alone()) {
        fprintf(stderr, "%s is waited for by the last who goes\n", what);
        CHECK(!"it is never over");
    }
    stack_switch(1 - running);
}

void actor_wait_for(const struct spinlock *lock)
{
    actor_wait(lock->name);
}

// (The other one may be through since the condition was looked at.)
void actor_relax(void)
{
    if (!alone() || ++relaxed_alone > ALONE_MAX) {
        actor_wait("a page's copy");
    }
}

void actors_run(void (*step)(unsigned actor))
{
    running_step = step;
    relaxed_alone = 0;
    for (unsigned i = 0; i < ACTORS; i++) {
        if (stacks[i].pointer == NULL) {
            stack_make(&stacks[i]);
        }
        stacks[i].busy = true;
    }
    stack_switch(world_random() % ACTORS);
    world_destroy_retired();
}
