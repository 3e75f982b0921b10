// SPDX-License-Identifier: MIT
// The loop's timers against the plainest model: the earliest armed deadline of an array.
#include <string.h>
#include <tessera/lib/loop.h>
#include "tests/host/check.h"

#define TIMERS 200

static struct ts_loop loop;
static struct ts_timer timers[TIMERS];

static const struct ts_timer *earliest(void)
{
    const struct ts_timer *first = NULL;
    for (int i = 0; i < TIMERS; i++) {
        if (timers[i].armed && (first == NULL || timers[i].deadline < first->deadline)) {
            first = &timers[i];
        }
    }
    return first;
}

int main(void)
{
    uint64_t state = 3;
    for (int round = 0; round < 200000; round++) {
        struct ts_timer *timer = &timers[check_random(&state) % TIMERS];
        switch (check_random(&state) % 4) {
        case 0:
        case 1: ts_timer_arm(&loop, timer, 1 + (ts_time_t)(check_random(&state) % 1000)); break;
        case 2: ts_timer_disarm(&loop, timer); break;
        default:
            if (loop.timers != NULL) {
                ts_timer_disarm(&loop, loop.timers);
            }
            break;
        }
        const struct ts_timer *first = earliest();
        CHECK((first == NULL) == (loop.timers == NULL));
        CHECK(first == NULL || first->deadline == loop.timers->deadline);
        CHECK(loop.timers == NULL || loop.timers->armed);
    }
    ts_time_t last = 0;
    while (loop.timers != NULL) {
        CHECK(loop.timers->deadline >= last);
        last = loop.timers->deadline;
        ts_timer_disarm(&loop, loop.timers);
    }
    CHECK(earliest() == NULL);
    return 0;
}
