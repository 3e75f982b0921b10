// SPDX-License-Identifier: MIT
// See bomb.h.
#include "bomb.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>

struct bomb_scale bomb_scale = {.ring = 512, .stacks = 200};
static struct bomb_told *bomb_told;
const struct bomb *bomb_now;

void bomb_wait_for_ever(void)
{
    for (;;) { // at a page that is there
        (void)ts_sys_futex_wait((uintptr_t)&bomb_told->never, 0, TS_DEADLINE_NONE);
    }
}

void bomb_explode(const struct bomb *bomb, bool large)
{
    void *at;
    if (ts_memory_map(ts_named_handle(BOMB_TOLD), NULL, BOMB_PAGE, 0, TS_MAP_READ | TS_MAP_WRITE,
                      &at) != TS_OK) {
        ts_process_exit(1);
    }
    bomb_told = at;
    bomb_now = bomb;
    if (large) {
        bomb_scale = (struct bomb_scale){.large = true, .ring = TS_RING_MAX, .stacks = 16000};
    }
    uint64_t most = large ? bomb->large_most : bomb->most;
    most = most != 0 ? most : BOMB_MANY;
    ts_status_t status = bomb->prepare != NULL ? bomb->prepare() : TS_OK;
    while (status == TS_OK && bomb_told->made < most) {
        status = bomb->make();
        bomb_told->made += status == TS_OK;
    }
    bomb_told->status = status;
    bomb_told->stopped = 1;
    bomb_wait_for_ever();
}

ts_status_t bomb_start(const struct bomb *bomb, bool large, ts_handle_t job, ts_handle_t told,
                       ts_handle_t *out_process)
{
    static const char *const names[] = {TS_NAME_FILE, TS_NAME_LOG, TS_NAME_NET, "pipe"};
    const char *arguments[] = {"bombs", large ? "child-large" : "child", bomb->name, NULL};
    struct ts_spawn_handle handles[5] = {{BOMB_TOLD, told, TS_RIGHTS_ALL, false}};
    uint32_t count = 1;
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (ts_named_handle(names[i]) != TS_HANDLE_NONE) {
            handles[count++] =
                (struct ts_spawn_handle){names[i], ts_named_handle(names[i]), TS_RIGHTS_ALL, false};
        }
    }
    const struct ts_spawn spawn = {.job = job,
                                   .name = bomb->name,
                                   .arguments = arguments,
                                   .handles = handles,
                                   .handle_count = count,
                                   .give_job = true};
    return ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), BOMBS_PROGRAM, out_process);
}
