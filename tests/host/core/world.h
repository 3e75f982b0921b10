// SPDX-License-Identifier: MIT
// What surrounds kernel/core in the host tests: a clock and timers that the test moves, wake-ups
// that it counts, what is lent priorities, "client memory" that never faults unless told to. For
// the model alone and for two actors (actors.h).
#pragma once

#include <core/hooks.h>
#include <core/handle_table.h>

#define CHECK(condition) world_check((condition), #condition, __FILE__, __LINE__)
void world_check(bool condition, const char *text, const char *file, int line);

extern ts_time_t world_now;
extern bool world_client_faults;     // environment_copy and _copy_inbox fail on the client's side
extern uint64_t world_pages;         // handle table pages in use
extern uint64_t world_copied;        // bytes copied
extern uint32_t world_handles;       // that all tables have charged
extern uint32_t world_handles_limit; // more than so many are refused

// Called when a thread's request is DONE.
extern void (*world_thread_done)(struct request *request);
// Called where a ring's thread is woken, with the locks that are held there. NULL: nobody is.
extern void (*world_ring_woken)(struct ring *ring);

// A thread behind a ring, of priority WORLD_OWN_PRIORITY: how many requests lend it each priority.
#define WORLD_OWN_PRIORITY 4u
struct borrower {
    uint32_t loans[32];
};
// The ring's thread. NULL, and where it gives NULL: there is none.
extern struct borrower *(*world_borrower)(struct ring *ring);

// Moves the clock and runs the timers that are due, in order. By an actor or between.
void world_advance(ts_time_t nanoseconds);

// What lost its last reference while actors ran is destroyed: both CPUs have been quiescent.
void world_destroy_retired(void);

uint32_t world_random(void); // xorshift, seeded by world_seed
void world_seed(uint64_t seed);

// A plain kernel object whose destruction is counted in *alive.
struct thing {
    struct object object;
    int *alive;
};
extern const struct object_class thing_class;
struct handle thing_create(int *alive, ts_rights_t rights);
