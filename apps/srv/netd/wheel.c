// SPDX-License-Identifier: MIT
#include "wheel.h"

#include <stddef.h>

#define SLOTS 512
#define TURN  INT64_C(1000000) // ns of a slot
#define WORDS (SLOTS / 64)

static struct wheel_timer *slot[SLOTS];
static uint64_t used[WORDS]; // a bit for each slot: it may have timers
static int64_t done;         // all slots up to this millisecond were looked at
int64_t wheel_soonest = INT64_MAX;

void wheel_remove(struct wheel_timer *timer)
{
    if (timer->at == NULL) {
        return;
    }
    *timer->at = timer->next;
    if (timer->next != NULL) {
        timer->next->at = timer->at;
    }
    timer->at = NULL;
}

// The slot of a time further off than the wheel reaches is its last one.
static void put(struct wheel_timer *timer)
{
    int64_t turn = timer->deadline / TURN + 1;
    if (turn <= done) {
        turn = done + 1;
    }
    if (turn > done + SLOTS - 1) {
        turn = done + SLOTS - 1;
    }
    unsigned index = (unsigned)(turn % SLOTS);
    if (turn * TURN < wheel_soonest) {
        wheel_soonest = turn * TURN;
    }
    timer->turn = turn;
    timer->at = &slot[index];
    timer->next = slot[index];
    if (timer->next != NULL) {
        timer->next->at = &timer->next;
    }
    slot[index] = timer;
    used[index / 64] |= UINT64_C(1) << index % 64;
}

void wheel_set(struct wheel_timer *timer, int64_t now, int64_t deadline)
{
    timer->deadline = deadline;
    if (timer->at != NULL && timer->turn <= deadline / TURN + 1) {
        return;
    }
    wheel_remove(timer);
    if (now / TURN >= done + SLOTS && wheel_next() == INT64_MAX) {
        done = now / TURN; // nobody looked, as there was nothing
    }
    put(timer);
}

// The first slot after `done` that may have timers.
static int64_t soonest(void)
{
    int64_t first = done + 1;
    unsigned start = (unsigned)(first % SLOTS);
    for (unsigned i = 0; i <= WORDS; i++) {
        unsigned word = (start / 64 + i) % WORDS;
        uint64_t bits = used[word];
        if (i == 0) {
            bits &= ~UINT64_C(0) << start % 64;
        } else if (i == WORDS) {
            bits &= (UINT64_C(1) << start % 64) - 1;
        }
        if (bits == 0) {
            continue;
        }
        unsigned index = word * 64 + (unsigned)__builtin_ctzll(bits);
        return (first + (index - start) % SLOTS) * TURN;
    }
    return INT64_MAX;
}

// Slots that nobody looked at for a whole turn of the wheel are looked at once.
void wheel_run(int64_t now, void (*fired)(struct wheel_timer *timer))
{
    int64_t until = now / TURN, from = done;
    if (until - from > SLOTS) {
        from = until - SLOTS;
    }
    if (until > done) {
        done = until;
    }
    while (from < until) {
        unsigned index = (unsigned)(++from % SLOTS);
        struct wheel_timer *first = slot[index];
        used[index / 64] &= ~(UINT64_C(1) << index % 64);
        slot[index] = NULL;
        if (first != NULL) {
            first->at = &first; // the list is ours: timers may be removed from it meanwhile
        }
        while (first != NULL) {
            struct wheel_timer *timer = first;
            wheel_remove(timer);
            if (timer->deadline > now) {
                put(timer);
            } else if (timer->deadline != TS_DEADLINE_NONE) {
                fired(timer);
            }
        }
    }
    wheel_soonest = soonest();
}
