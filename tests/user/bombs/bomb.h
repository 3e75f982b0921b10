// SPDX-License-Identifier: MIT
// Bombs: what makes one thing after the other until it is refused, in a job with limits, and then
// keeps all of it. docs/security/bombs.md has the table.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/abi/object.h>
#include <tessera/lib/status.h>

#define BOMBS_PROGRAM "test/bombs"
#define BOMB_PAGE     4096u
#define BOMB_MANY     (UINT64_C(1) << 20) // more of anything nobody makes
#define BOMB_FOLDER   "tmp/bomb"          // in the memory file system: emptied by the parent
#define BOMB_TOLD     "told"              // the named handle of struct bomb_told

// What the bomb tells its parent, in memory that both have mapped.
struct bomb_told {
    _Atomic uint64_t made;
    _Atomic int32_t status;   // what the next one was refused with; TS_OK: it stopped by itself
    _Atomic uint32_t stopped; // it makes no more and keeps what it has
    uint32_t never;           // 0: what its threads wait at
};

struct bomb {
    const char *name;
    ts_status_t (*prepare)(void); // or NULL
    ts_status_t (*make)(void);
    struct ts_job_limits limits;
    ts_status_t status; // what ends it
    uint64_t most;      // where it stops by itself; 0: it does not
    // It touches memory that was promised, and may be ended where there is none (TS_EXIT_LIMIT).
    bool touches;
    bool serves;         // what it makes lies with a server too, whose pages are not its job's
    bool large;          // one that grows to the size of the machine (`bombs large`), and where it
    uint64_t large_most; // stops by itself then; 0: it does not
};

#define LIMITED(p, h, t)                             \
    {                                                \
        .pages = (p), .handles = (h), .threads = (t) \
    }
#define BOMB(title, first, one, most_of, refusal, ...)                                      \
    {                                                                                       \
        .name = title, .prepare = first, .make = one, .limits = most_of, .status = refusal, \
        __VA_ARGS__                                                                         \
    }

extern const struct bomb bombs_kernel[], bombs_ring[], bombs_server[]; // each ends with no name

struct bomb_scale {
    bool large;
    uint32_t ring; // records of a ring
    uint32_t stacks;
};
extern struct bomb_scale bomb_scale;
extern const struct bomb *bomb_now; // in the child: the bomb that it is

const struct bomb *bomb_find(const char *name);

// The child: goes off, and does not return.
_Noreturn void bomb_explode(const struct bomb *bomb, bool large);
// Starts this program as `bomb` in `job`.
TS_MUST_USE ts_status_t bomb_start(const struct bomb *bomb, bool large, ts_handle_t job,
                                   ts_handle_t told, ts_handle_t *out_process);
_Noreturn void bomb_wait_for_ever(void);
