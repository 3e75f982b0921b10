// SPDX-License-Identifier: MIT
// Hostile values: see actor.h.
#include "actor.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>

#include "pool.h"

#define PAGE ((uint64_t)TS_PAGE_SIZE)

unsigned char area[AREA_SIZE] __attribute__((aligned(4096)));

uint64_t some_number(struct actor *actor)
{
    static const uint64_t borders[] = {
        0,
        1,
        PAGE - 1,
        PAGE,
        PAGE + 1,
        INT32_MAX,
        UINT64_C(1) << 31,
        UINT32_MAX,
        UINT64_C(1) << 32,
        (UINT64_C(1) << 32) + 1,
        UINT64_C(1) << 46,
        (UINT64_C(1) << 46) + PAGE,
        INT64_MAX,
        UINT64_C(1) << 63,
        UINT64_MAX - PAGE + 1,
        UINT64_MAX - 1,
        UINT64_MAX,
    };
    switch (below(actor, 8)) {
    case 0: return actor_next(actor) << 8 | actor_next(actor) >> 56;
    case 1: return UINT64_C(1) << below(actor, 64);
    case 2: return PAGE * below(actor, 64);
    case 3:
    case 4: return ONE_OF(actor, borders);
    default: return below(actor, 300);
    }
}

uint64_t some_size(struct actor *actor)
{
    static const uint8_t pages[] = {1, 1, 1, 1, 2, 2, 3, 4, 8, 16, 17, 32, 33, 64};
    if (one_in(actor, 24)) {
        return some_number(actor);
    }
    if (one_in(actor, 24)) {
        return (512 + below(actor, 3) - 1) * PAGE; // about a table's reach
    }
    return ONE_OF(actor, pages) * PAGE;
}

// Addresses that are nobody's to name, or at a border.
static uint64_t wrong_address(struct actor *actor)
{
    switch (below(actor, 10)) {
    case 0: return 0;
    case 1: return actor_next(actor);
    case 2: return UINT64_C(0xffff800000000000) + below(actor, UINT64_C(1) << 32); // the kernel's
    case 3: return UINT64_MAX - below(actor, 1 << 20);
    case 4: return (UINT64_C(1) << 47) - 4 + below(actor, UINT64_C(1) << 20); // not canonical
    case 5: return TS_USER_END - below(actor, 2 * PAGE);
    case 6: return TS_USER_BASE - below(actor, 2 * PAGE);
    case 7: return UINT64_C(0xfee00000) + below(actor, PAGE);     // where devices are, physically
    case 8: return (uintptr_t)wrong_address + below(actor, PAGE); // read-only
    default: return ts_bootstrap_block()->clock + below(actor, PAGE);
    }
}

uint64_t some_address(struct actor *actor)
{
    switch (below(actor, 10)) {
    case 0: return wrong_address(actor);
    case 1: return (uintptr_t)area + AREA_SIZE - below(actor, 16);
    case 2: return (uintptr_t)area + PAGE * (1 + below(actor, 15)) - below(actor, 64);
    case 3:
    case 4: return mapping_pick(actor) + below(actor, 2 * PAGE);
    default: return (uintptr_t)area_place(actor, 8);
    }
}

uint64_t some_deadline(struct actor *actor)
{
    switch (below(actor, 8)) {
    case 0: return 1 + below(actor, 1000000); // long past
    case 1: return UINT64_MAX - below(actor, 9);
    default: return (uint64_t)ts_deadline_in((ts_time_t)below(actor, 50000));
    }
}
