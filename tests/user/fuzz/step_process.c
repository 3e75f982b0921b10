// SPDX-License-Identifier: MIT
// Steps with processes, threads and jobs. See step.h.
#include "lane.h"
#include "shape.h"
#include "step.h"

#include <tessera/abi/kind.h>
#include <tessera/abi/object.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/thread.h>

#define GRANDCHILD_STEPS 200u
#define THREADS          4u
#define STACK_SIZE       16384u

static void method(struct actor *actor, ts_handle_t handle, uint32_t number, ts_handle_t sent)
{
    struct ts_call *call = area_place(actor, sizeof(*call));
    *call = (struct ts_call){
        .method = number, .in_handles = sent != TS_HANDLE_NONE, .in_handle = {sent}};
    (void)actor_saw(actor, ts_sys_op(ts_op_word(TS_OP_CALL, 0, 0, handle), (uintptr_t)call,
                                     sizeof(*call), 0, number, some_deadline(actor)));
}

// An empty process with memory, a handle and a thread that starts anywhere in it; it faults, waits
// or runs until it is killed.
void step_process(struct actor *actor)
{
    static const unsigned char code[] = {0xeb, 0xfe}; // jmp to itself
    char *name = area_place(actor, 8);
    struct ts_result made = actor_saw(
        actor, ts_sys_create(ts_create_word(TS_KIND_PROCESS, 0, handle_like(actor, SORT_JOB)),
                             (uintptr_t)name, below(actor, 8), 0));
    if (made.status != TS_OK) {
        method(actor, pool_pick(actor, SORT_PROCESS), TS_PROCESS_KILL, TS_HANDLE_NONE);
        return;
    }
    ts_handle_t process = (ts_handle_t)made.value, memory = handle_like(actor, SORT_MEMORY);
    (void)actor_saw(actor, ts_sys_op(ts_op_word(TS_OP_WRITE, 0, 0, memory), (uintptr_t)code,
                                     sizeof(code), 0, 0, TS_DEADLINE_NONE));
    struct ts_result text = actor_saw(actor, ts_sys_map(ts_pair(process, memory), 0, TS_PAGE_SIZE,
                                                        0, TS_MAP_READ | TS_MAP_EXECUTE));
    method(actor, process, TS_PROCESS_GIVE, some_handle(actor));
    uint64_t entry = text.status == TS_OK && !one_in(actor, 4) ? text.value : some_address(actor);
    (void)pool_keep_result(
        actor, SORT_THREAD,
        ts_sys_thread_start(process, entry, some_address(actor), 0, 0, below(actor, 20)));
    pool_keep(actor, SORT_PROCESS, process);
    if (one_in(actor, 2)) {
        method(actor, process, TS_PROCESS_KILL, TS_HANDLE_NONE);
    }
}

// Another of this program, which asks our ports and is killed with all that it has in flight.
void step_spawn(struct actor *actor)
{
    char seed[24], steps[24];
    ts_format(seed, sizeof(seed), "%lu", (unsigned long)actor_next(actor));
    ts_format(steps, sizeof(steps), "%u", GRANDCHILD_STEPS);
    const char *arguments[] = {"fuzz", "hostile", seed, steps, NULL};
    struct ts_spawn_handle handles[3];
    uint32_t count = 0;
    for (unsigned i = 0; i < 3; i++) {
        ts_handle_t object = pool_pick(actor, i == 2 ? SORT_MEMORY : SORT_SERVED);
        if (object != TS_HANDLE_NONE) {
            handles[count++] = (struct ts_spawn_handle){i == 0   ? "target"
                                                        : i == 1 ? "target2"
                                                                 : "memory",
                                                        object, TS_RIGHTS_ALL, false};
        }
    }
    const struct ts_spawn spawn = {.job = pool_pick(actor, SORT_JOB),
                                   .name = "grandchild",
                                   .arguments = arguments,
                                   .handles = handles,
                                   .handle_count = count};
    ts_handle_t process;
    ts_status_t status =
        ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), FUZZ_PROGRAM, &process);
    (void)actor_saw(actor, (struct ts_result){.status = status});
    if (status == TS_OK) {
        pool_keep(actor, SORT_PROCESS, process);
    }
}

// Its death and the taking of what it has asked go on side by side.
void step_kill(struct actor *actor)
{
    method(actor, pool_pick(actor, SORT_PROCESS), TS_PROCESS_KILL, TS_HANDLE_NONE);
    for (uint64_t i = below(actor, 16); i > 0; i--) {
        step_serve(actor);
    }
}

void step_job(struct actor *actor)
{
    ts_handle_t parent = ts_named_handle(TS_NAME_JOB);
    if (one_in(actor, 3)) {
        parent = handle_like(actor, SORT_JOB);
    }
    struct ts_result made = ts_sys_create(
        ts_create_word(TS_KIND_JOB, 0, parent), one_in(actor, 8) ? some_number(actor) : 500,
        one_in(actor, 8) ? some_number(actor) : 100, one_in(actor, 8) ? some_number(actor) : 8);
    (void)pool_keep_result(actor, SORT_JOB, made);
    if (one_in(actor, 4)) {
        method(actor, pool_pick(actor, SORT_JOB), TS_JOB_KILL, TS_HANDLE_NONE);
    }
}

// Threads that do a few things beside the others and end.
static struct brief {
    struct ts_thread thread;
    struct actor actor;
    bool used;
} briefs[THREADS];

static void brief_run(void *argument)
{
    struct brief *brief = argument;
    struct ts_submission shape;
    for (uint64_t i = below(&brief->actor, 6); i > 0; i--) {
        shape_any(&brief->actor, &shape);
        shape_call(&brief->actor, &shape);
    }
}

void step_thread(struct actor *actor)
{
    struct brief *brief = &briefs[below(actor, THREADS)];
    if (brief->used && ts_thread_join(&brief->thread, (ts_time_t)some_deadline(actor)) != TS_OK) {
        return;
    }
    actor_init(&brief->actor, actor_next(actor));
    brief->used = ts_thread_start(&brief->thread, brief_run, brief, STACK_SIZE, 0,
                                  (unsigned)below(actor, TS_PRIORITY_NORMAL + 1)) == TS_OK;
    actor->calls++;
}
