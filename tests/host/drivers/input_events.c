// SPDX-License-Identifier: MIT
// What a reader of input hears, whatever devices say: keys go down and up in turn, and a RESET
// tells what is down when there was more than waits.
#include <drivers/input/events.h>

#include <string.h>

#include "tests/host/check.h"

#define ROUNDS 200000u
#define CODES  100u // more than may be down
#define A      TS_INPUT_KEY_CODE(4)
#define SHIFT  TS_INPUT_KEY_CODE(0xe1)

static struct input_events events;
static struct ts_input_event got[TS_INPUT_QUEUE];
static uint32_t got_count;

static void take(void)
{
    got_count = events_peek(&events, got, TS_INPUT_QUEUE);
    events_drop(&events, got_count);
}

static void begin(void)
{
    events = (struct input_events){0};
    events_begin(&events, 1, true);
    take();
    CHECK_EQUAL(got_count, 1);
    CHECK(got[0].type == TS_INPUT_RESET && got[0].value == TS_INPUT_BEGIN);
}

static void presses_are_told_once(void)
{
    begin();
    CHECK(events_key(&events, 2, 0, A, true));
    CHECK(!events_key(&events, 3, 0, A, true)); // a keyboard that repeats
    CHECK(events_key(&events, 4, 1, A, true));  // another keyboard's
    CHECK(events_key(&events, 5, 0, A, false));
    CHECK(!events_key(&events, 6, 0, A, false));
    take();
    CHECK_EQUAL(got_count, 3);
    CHECK(got[0].value == TS_INPUT_PRESS && got[0].device == 0 && got[0].time == 2);
    CHECK(got[1].value == TS_INPUT_PRESS && got[1].device == 1);
    CHECK(got[2].value == TS_INPUT_UP && got[2].device == 0);
    CHECK(events_is_down(&events, A));
    events_device(&events, 7, 1, false);
    CHECK(!events_is_down(&events, A));
    take();
    CHECK(got_count == 2 && got[0].value == TS_INPUT_UP && got[1].type == TS_INPUT_DEVICE);
}

static void repeats(void)
{
    begin();
    events_key(&events, 1, 0, SHIFT, true);
    CHECK(!events_repeat(&events, 2));
    events_key(&events, 3, 0, A, true);
    CHECK(events_repeat(&events, 4)); // but the press was not read yet
    take();
    CHECK_EQUAL(got_count, 2);
    uint32_t heard = 0;
    while (events_repeat(&events, 5)) {
        take();
        CHECK(got_count == 1 && got[0].value == TS_INPUT_REPEAT && got[0].code == A);
        heard++;
    }
    CHECK_EQUAL(heard, TS_INPUT_REPEATS - 1);
    events_key(&events, 6, 0, A, false);
    events_key(&events, 6, 0, A, true);
    events_key(&events, 6, 0, A, false);
    take();
    CHECK(!events_repeat(&events, 7));
}

static void motion_is_added_up(void)
{
    begin();
    for (int32_t i = 0; i < 1000; i++) {
        events_motion(&events, i, 0, TS_INPUT_X, 3);
        events_motion(&events, i, 0, TS_INPUT_Y, -2);
    }
    events_key(&events, 1000, 0, TS_INPUT_BUTTON(1), true);
    events_motion(&events, 1001, 0, TS_INPUT_X, INT32_MAX);
    events_motion(&events, 1002, 0, TS_INPUT_X, INT32_MAX);
    events_motion(&events, 1003, 0, TS_INPUT_X, 0);
    take();
    CHECK_EQUAL(got_count, 5);
    CHECK(got[0].code == TS_INPUT_X && got[0].value == 3000 && got[0].time == 999);
    CHECK(got[1].code == TS_INPUT_Y && got[1].value == -2000);
    CHECK(got[3].value == INT32_MAX && got[4].value == INT32_MAX);
}

static void lost_is_told(void)
{
    begin();
    events_key(&events, 1, 0, SHIFT, true);
    for (uint32_t i = 0; events.count < TS_INPUT_QUEUE; i++) {
        events_key(&events, 2, 0, A, i % 2 == 0);
    }
    bool down = events_is_down(&events, A);
    events_key(&events, 3, 0, A, !down);
    take();
    CHECK(got[0].type == TS_INPUT_RESET && got[0].value == TS_INPUT_LOST);
    CHECK(got[1].code == SHIFT && got[1].value == TS_INPUT_HELD);
    CHECK_EQUAL(got_count, down ? 2 : 3);
    CHECK_EQUAL(events.statistics.lost, 1);
    // A reader that comes later hears what is down, and not what was pressed before it came.
    events_begin(&events, 4, false);
    events_key(&events, 5, 0, TS_INPUT_KEY_CODE(5), true);
    take();
    CHECK_EQUAL(got_count, 0);
    events_begin(&events, 6, true);
    take();
    CHECK(got_count >= 3 && got[0].value == TS_INPUT_BEGIN);
    for (uint32_t i = 1; i < got_count; i++) {
        CHECK_EQUAL(got[i].value, TS_INPUT_HELD);
    }
}

// A reader's own view of what is down, from what it hears.
static bool is_down[2][CODES];

static void hear(void)
{
    for (uint32_t i = 0; i < got_count; i++) {
        const struct ts_input_event *e = &got[i];
        if (e->type == TS_INPUT_RESET) {
            memset(is_down, 0, sizeof(is_down));
        } else if (e->type == TS_INPUT_KEY) {
            bool *down = &is_down[e->device][TS_INPUT_ID(e->code)];
            bool was = e->value == TS_INPUT_UP || e->value == TS_INPUT_REPEAT;
            CHECK_EQUAL(*down, was);
            *down = e->value != TS_INPUT_UP;
        }
    }
}

static void anything(void)
{
    begin();
    memset(is_down, 0, sizeof(is_down));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint16_t device = (uint16_t)random_below(2);
        uint32_t code = TS_INPUT_KEY_CODE(random_below(CODES));
        switch (random_below(16)) {
        case 0: events_motion(&events, round, device, TS_INPUT_X, (int32_t)random_next()); break;
        case 1: (void)events_repeat(&events, round); break;
        case 2:
            if (random_below(40) == 0) {
                events_device(&events, round, device, random_below(2));
            }
            break;
        default: events_key(&events, round, device, code, random_below(2)); break;
        }
        if (random_below(600) == 0) {
            take();
            hear();
        }
    }
    take();
    hear();
    uint32_t downs = 0;
    for (uint32_t i = 0; i < 2 * CODES; i++) {
        downs += is_down[i / CODES][i % CODES];
    }
    CHECK_EQUAL(downs, events.downs);
    CHECK(downs > 30 && downs <= TS_INPUT_DOWN && events.statistics.lost > 100);
    CHECK(events.statistics.refused > 0);
}

int main(void)
{
    presses_are_told_once();
    repeats();
    motion_is_added_up();
    lost_is_told();
    anything();
    return 0;
}
