// SPDX-License-Identifier: MIT
// Two actors on two stacks, as two CPUs in the kernel: each runs one operation of the model at a
// time, and whenever one lets go of a lock, or waits for one, the other may go on. All by a seed,
// so that what was found is found again. What surrounds kernel/core is here as well: a clock,
// timers, memory, and who is lent priorities.
#pragma once

#include <core/environment.h>
#include <core/handle_table.h>

#define ACTORS 2u

#define CHECK(condition) actors_check((condition), #condition, __FILE__, __LINE__)
void actors_check(bool condition, const char *text, const char *file, int line);

void actors_seed(uint64_t seed);
uint32_t actors_random(void);

// Runs `step` once as each actor, interleaved, and returns when both are through. Then everything
// that lost its last reference meanwhile is destroyed: both CPUs have been quiescent.
void actors_run(void (*step)(unsigned actor));
// Lets the clock go on and runs the timers that are due. By an actor or between.
void actors_advance(ts_time_t nanoseconds);
extern ts_time_t actors_now;

// A thread behind a ring, of its own priority ACTORS_OWN: how many requests lend it each priority.
#define ACTORS_OWN 4u
struct borrower {
    uint32_t loans[32];
};
// The ring's thread, or NULL.
struct borrower *actors_borrower(struct ring *ring);

// A thread's request is DONE.
void actors_answered(struct request *request);

extern uint32_t actors_pages; // of handle tables
