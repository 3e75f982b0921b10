// SPDX-License-Identifier: MIT
// Futexes, and a mutex of one word on top of them, for programs with threads and without pthreads.
#pragma once

#include <stdbool.h>
#include <tessera/lib/status.h>

// While *word == expected, until woken. TS_ERR_AGAIN: it differs. May wake without cause.
TS_MUST_USE ts_status_t ts_futex_wait(uint32_t *word, uint32_t expected, ts_time_t deadline);

// Wakes at most `count` sleepers; how many it woke.
uint32_t ts_futex_wake(uint32_t *word, uint32_t count);

// Zero is an unlocked mutex. Not recursive; not robust against a holder's death.
struct ts_mutex {
    uint32_t state; // 0 free, 1 held, 2 held and waited for
};

void ts_mutex_lock(struct ts_mutex *mutex);
bool ts_mutex_try_lock(struct ts_mutex *mutex);
void ts_mutex_unlock(struct ts_mutex *mutex);
