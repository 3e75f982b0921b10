// SPDX-License-Identifier: MIT
// Starting programs: an empty process, the program's segments, a stack with guard page and
// bootstrap block, its handles, a first thread. All of it from outside; the kernel knows no ELF.
//
// Read-only segments are mapped from the program's own memory object (the boot archive, a file's
// pages), so that all processes of a program share them; writable ones are copied. The image lies
// at a random page of 2^34.
#pragma once

#include <stdbool.h>
#include <tessera/format/elf.h>
#include <tessera/lib/op.h>

struct ts_spawn_handle {
    const char *name;
    ts_handle_t handle;
    ts_rights_t rights; // duplicate: of the copy
    bool move;          // the handle itself is given away, else a duplicate
};

#define TS_SPAWN_STACK_SIZE    (256u * 1024)
#define TS_SPAWN_ARGUMENTS_MAX (64u * 1024) // bytes of the bootstrap block
#define TS_SPAWN_HANDLES_MAX   64u

struct ts_spawn {
    ts_handle_t job;     // charged; 0 = the own "job"
    const char *name;    // of the process
    ts_handle_t image;   // the program: memory, or anything that can be mapped (READ|MAP|EXECUTE);
                         // of the caller, not kept
    uint64_t image_size; // bytes of the file, 0 = get(SIZE) of it
    const char *const *arguments;   // NULL-terminated; NULL = { name }
    const char *const *environment; // NULL-terminated; NULL = none
    const struct ts_spawn_handle *handles;
    uint32_t handle_count;
    uint64_t stack_size; // 0 = TS_SPAWN_STACK_SIZE or what the program asks
    uint8_t priority;    // TS_PRIORITY_*; 0 = NORMAL
    bool give_job;       // the child gets "job" and may start programs of its own
    uint64_t *out_bias;  // what was added to the program's addresses; NULL: not wanted
};

// The child gets the handles listed, and beside them: process, thread, clock (when the caller has
// it), job (give_job), which it cannot manage: its limits are not its own to set.
// Blocks on the image's server alone (a memory object: not at all).
// TS_ERR_EXECUTABLE: not a valid program; TS_ERR_TOO_LARGE: arguments; TS_ERR_LIMIT: the job's.
// On error nothing is left. Handles with `move` are given up in any case. *out_process is the
// caller's.
TS_MUST_USE ts_status_t ts_spawn(const struct ts_spawn *spawn, ts_handle_t *out_process);

// Opens `path` below `root`, maps it as image and spawns it: spawn->image is ignored.
TS_MUST_USE ts_status_t ts_spawn_path(const struct ts_spawn *spawn, ts_handle_t root,
                                      const char *path, ts_handle_t *out_process);
