// SPDX-License-Identifier: MIT
// See actor.h.
#include "actor.h"

void actor_init(struct actor *actor, uint64_t seed)
{
    // splitmix64's last step: seeds that differ in a bit give streams that have nothing in common.
    seed += UINT64_C(0x9e3779b97f4a7c15);
    seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
    *actor = (struct actor){.state = (seed ^ seed >> 31) | 1};
}

uint64_t actor_next(struct actor *actor) // xorshift64*
{
    actor->state ^= actor->state >> 12;
    actor->state ^= actor->state << 25;
    actor->state ^= actor->state >> 27;
    return (actor->state * UINT64_C(2685821657736338717)) >> 8;
}

struct ts_result actor_saw(struct actor *actor, struct ts_result result)
{
    actor->calls++;
    actor->digest = (actor->digest ^ (uint64_t)result.status) * UINT64_C(0x100000001b3);
    actor->digest = (actor->digest ^ result.value) * UINT64_C(0x100000001b3);
    return result;
}
