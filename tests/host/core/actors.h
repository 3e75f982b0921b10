// SPDX-License-Identifier: MIT
// Two actors on two stacks, as two CPUs in the kernel: each runs one operation of the model at a
// time, and at each lock, or where one waits for the other, the other may go on. By the world's
// random numbers (world.h), so that what was found is found again. A program without actors has
// nobody to wait for.
#pragma once

#include <stdbool.h>

#define ACTORS 2u

// Runs `step` once as each actor, interleaved, and returns when both are through.
void actors_run(void (*step)(unsigned actor));

// What runs: an actor, or ACTORS for the model itself.
unsigned actors_running(void);

// The other one may go on, has to, or has to while there is one: a wait that nobody can end fails.
void actor_may_pause(void);
void actor_wait(const char *what);
void actor_relax(void);
