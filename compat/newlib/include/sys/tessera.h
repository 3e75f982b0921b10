// SPDX-License-Identifier: MIT
// What POSIX has no words for: programs that use both libc and the system's own objects.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The handle behind a descriptor. It stays the descriptor's. 0 with errno EBADF.
uint32_t ts_posix_handle(int fd);

// A descriptor for a handle, which becomes the descriptor's. flags: O_RDONLY, O_WRONLY or O_RDWR,
// with O_APPEND, O_NONBLOCK, O_CLOEXEC. -1 with errno; the handle is closed then.
int ts_posix_descriptor(uint32_t handle, int flags);

struct ts_posix_program {
    const char *path;       // as execve: not looked for in PATH
    char *const *arguments; // NULL-terminated
    char *const *environment;
    int files[3];       // what is to be descriptor 0, 1 and 2; -1 = none
    uint32_t job;       // charged, and killed as one; 0 = the own
    uint64_t *out_bias; // what was added to the program's addresses, for reports; NULL: not wanted
    // The rights that the program at `path` (of a script: its interpreter's) may have of the named
    // handle; NULL: all that the own one has.
    uint32_t (*rights)(const char *path, const char *handle);
};

// Starts it. The process's handle is the caller's. 0, or an errno.
int ts_posix_start(const struct ts_posix_program *program, uint32_t *out_process);

// The file that `name` means: with a '/' itself, else in one of PATH's directories. 0, or an errno.
int ts_posix_find(const char *name, char *out, __SIZE_TYPE__ capacity);

// Until one of the objects has a signal of its mask, at the longest until `deadline` (nanoseconds
// of CLOCK_MONOTONIC, 0 = for ever). `ready` of each is set. 0, ETIMEDOUT or another errno.
struct ts_posix_wait {
    uint32_t handle; // 0: not looked at
    uint32_t mask;   // TS_SIGNAL_*
    uint32_t ready;
};
int ts_posix_wait(struct ts_posix_wait *items, __SIZE_TYPE__ count, int64_t deadline);

// errno that stands for a TS_ERR_*.
int ts_posix_errno(int32_t status);

#ifdef __cplusplus
}
#endif
