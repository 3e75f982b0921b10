// SPDX-License-Identifier: MIT
// See hostile.h. Three threads at once: one goes through the grammar (step.h), one rewrites rings
// and memory while they are in use, one ends, closes, shrinks and unmaps.
#include "hostile.h"

#include "lane.h"
#include "step.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/thread.h>

#define STACK_SIZE    32768u
#define PUBLISH_STEPS 32u
#define BURST         8u

static struct rival {
    struct ts_thread thread;
    struct actor actor;
} rivals[2];

// Lets the others run, also those of lower priority.
static void pause_for(struct actor *actor)
{
    static uint32_t word;
    if (one_in(actor, 2)) {
        (void)actor_saw(actor, ts_sys_yield());
    } else {
        (void)actor_saw(actor, ts_sys_futex_wait((uintptr_t)&word, 0, some_deadline(actor)));
    }
}

static void scribble(void *argument)
{
    struct actor *actor = argument;
    for (;;) {
        for (unsigned i = 0; i < BURST; i++) {
            if (one_in(actor, 4)) {
                *(uint64_t *)area_place(actor, 8) = some_number(actor);
            } else {
                lane_scribble(actor, some_lane(actor));
            }
        }
        pause_for(actor);
    }
}

static void wreck(void *argument)
{
    struct actor *actor = argument;
    for (;;) {
        step_wreck(actor);
        pause_for(actor);
    }
}

static void rivals_start(struct actor *actor)
{
    static void (*const runs[])(void *) = {scribble, wreck};
    for (unsigned i = 0; i < 2; i++) {
        actor_init(&rivals[i].actor, actor_next(actor));
        (void)ts_thread_start(&rivals[i].thread, runs[i], &rivals[i].actor, STACK_SIZE, 0,
                              TS_PRIORITY_NORMAL);
    }
}

static void pools_fill(struct actor *actor)
{
    static const struct {
        const char *name;
        enum sort sort;
    } given[] = {
        {"target", SORT_SERVED},      {"target2", SORT_SERVED},     {"memory", SORT_MEMORY},
        {TS_NAME_LOG, SORT_OTHER},    {TS_NAME_RANDOM, SORT_OTHER}, {"physical", SORT_RESOURCE},
        {"interrupt", SORT_RESOURCE}, {"message", SORT_RESOURCE},   {"io", SORT_RESOURCE},
        {"domain", SORT_RESOURCE},    {"device", SORT_DEVICE},      {"device2", SORT_DEVICE}};
    for (unsigned i = 0; i < sizeof(given) / sizeof(*given); i++) {
        if (ts_named_handle(given[i].name) != TS_HANDLE_NONE) {
            pool_keep(actor, given[i].sort, ts_named_handle(given[i].name));
        }
    }
    for (unsigned i = 0; i < LANES; i++) {
        lane_make(actor, i);
    }
    if (one_in(actor, 8)) { // with these it soon ends itself
        pool_keep(actor, SORT_PROCESS, ts_named_handle(TS_NAME_PROCESS));
        pool_keep(actor, SORT_JOB, ts_named_handle(TS_NAME_JOB));
    }
}

static struct progress *progress_map(void)
{
    static struct progress nowhere;
    void *at;
    ts_handle_t memory = ts_named_handle(PROGRESS_NAME);
    if (memory == TS_HANDLE_NONE ||
        ts_memory_map(memory, NULL, TS_PAGE_SIZE, 0, TS_MAP_READ | TS_MAP_WRITE, &at) != TS_OK) {
        return &nowhere;
    }
    return at;
}

int hostile_run(uint64_t seed, uint64_t steps)
{
    static struct actor actor;
    struct progress *progress = progress_map();
    actor_init(&actor, seed);
    pools_fill(&actor);
    if (!one_in(&actor, 4)) {
        rivals_start(&actor);
    }
    for (uint64_t i = 0; i < steps; i++) {
        step_any(&actor);
        if (i % PUBLISH_STEPS != 0) {
            continue;
        }
        progress->steps = i;
        progress->calls = actor.calls + rivals[0].actor.calls + rivals[1].actor.calls;
        progress->digest = actor.digest;
    }
    return 0;
}
