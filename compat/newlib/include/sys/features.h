// SPDX-License-Identifier: MIT
#pragma once

#include_next <sys/features.h>

// What POSIX parts exist; newlib's headers hide the declarations of those that are not named.
#define _POSIX_VERSION                  200809L
#define _POSIX_THREADS                  200809L
#define _POSIX_CPUTIME                  200809L
#define _POSIX_THREAD_CPUTIME           200809L
#define _POSIX_CLOCK_SELECTION          200809L
#define _POSIX_TIMERS                   200809L
#define _POSIX_MONOTONIC_CLOCK          200809L
#define _POSIX_READER_WRITER_LOCKS      200809L
#define _POSIX_BARRIERS                 200809L
#define _POSIX_SPIN_LOCKS               200809L
#define _POSIX_SPAWN                    200809L
#define _POSIX_TIMEOUTS                 200809L
#define _UNIX98_THREAD_MUTEX_ATTRIBUTES 1
