// SPDX-License-Identifier: MIT
// What the parts of the POSIX layer share.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>
#include <tessera/lib/status.h>

// The errno that stands for a status; 0 for TS_OK.
int posix_errno(ts_status_t status);

// 0, or -1 with errno set.
int posix_result(ts_status_t status);

// -1 with errno = `error`.
int posix_fail(int error);

// Gives the first thread newlib's own struct _reent: exit() flushes the streams of no other.
void reent_init(void);

// For a new thread (`reent` is its storage) and at its end.
struct _reent;
void reent_thread_init(struct _reent *reent);

// The calling process's number, for show: it is the kernel's and names nothing.
pid_t posix_process_id(void);

// Ends the process as a signal's default action does; waitpid() of the parent tells which.
_Noreturn void posix_die(int signal);

// Statuses of processes that a signal ended: a number no exit() gives.
#define POSIX_EXIT_SIGNAL 0x100
