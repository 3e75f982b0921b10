// SPDX-License-Identifier: MIT
// Starting a program with descriptors: the core of posix_spawn, system, popen and of
// <sys/tessera.h>.
#pragma once

#include <sys/types.h>
#include <stddef.h>
#include <tessera/lib/status.h>
#include "core/descriptor.h"

struct program_file {
    int number;             // the descriptor that it has in the child
    struct open_file *file; // borrowed
};

struct program {
    const char *path;       // below the working directory
    char *const *arguments; // NULL-terminated
    char *const *environment;
    ts_handle_t job; // 0 = the own
    const struct program_file *files;
    size_t file_count;
    uint64_t *out_bias; // as in struct ts_spawn; NULL: not wanted
    uint32_t (*rights)(const char *path, const char *handle); // as in struct ts_posix_program
};

// The child gets these files, PWD, and every named handle of the caller that can be passed on,
// save those that are the caller's own (process, thread, init). 0, or an errno.
int program_spawn(const struct program *program, ts_handle_t *out_process);

// The file that `name` means to a shell: itself with a '/', else looked for in PATH (/bin by
// default). 0, or ENOENT, ENAMETOOLONG, or why the one that is there cannot be opened.
int program_find(const char *name, char *out, size_t capacity);

// Makes a child that wait functions know. 0, or ENOMEM (the process is killed then).
int child_add(ts_handle_t process, pid_t *out_id);
