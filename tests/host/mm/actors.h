// SPDX-License-Identifier: MIT
// Two actors on CPUs of their own, one of which runs at a time; they change places at locks
// (../actors/spinlock.h), by the test's random numbers, so that a run repeats exactly.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ACTORS 2u

// Runs `act` as each of them until both have returned.
void actors_run(void (*act)(unsigned actor));

// How often they have changed places. As long as it is the same, nobody else did anything.
uint64_t actors_switches(void);

// Lets the other one go on for a while, outside of any lock.
void actors_pause(void);
