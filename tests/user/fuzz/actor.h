// SPDX-License-Identifier: MIT
// What does something at random: a thread of the hostile program. All that it does follows from
// its seed and from what the system calls answered, which the digest takes in.
#pragma once

#include <stdbool.h>
#include <tessera/lib/syscall.h>

struct actor {
    uint64_t state;  // of the generator; never 0
    uint64_t digest; // of all results so far
    uint64_t calls;  // system calls and submissions made
};

void actor_init(struct actor *actor, uint64_t seed);

uint64_t actor_next(struct actor *actor); // any number
static inline uint64_t below(struct actor *actor, uint64_t limit)
{
    return actor_next(actor) % limit;
}
static inline bool one_in(struct actor *actor, unsigned n)
{
    return below(actor, n) == 0;
}
#define ONE_OF(actor, values) ((values)[below((actor), sizeof(values) / sizeof(*(values)))])

// What a system call answered goes into the digest, and it is counted.
struct ts_result actor_saw(struct actor *actor, struct ts_result result);

// Hostile values (value.c): border lengths and offsets; addresses of every kind, most in `area`.
uint64_t some_number(struct actor *actor);
uint64_t some_address(struct actor *actor);
uint64_t some_size(struct actor *actor); // bytes of a memory object, mostly small
// A deadline that is near, past or negative, never none: the fuzzer is to do much, not to wait.
uint64_t some_deadline(struct actor *actor);

// Readable and writable, and not needed for anything else.
#define AREA_SIZE (16u * 4096)
extern unsigned char area[AREA_SIZE];
static inline void *area_place(struct actor *actor, uint64_t room)
{
    return area + (below(actor, AREA_SIZE - room) & ~UINT64_C(7));
}
