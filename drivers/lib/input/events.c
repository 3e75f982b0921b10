// SPDX-License-Identifier: MIT
#include <drivers/input/events.h>

enum { // keys that do not repeat, of the keyboard page
    CAPS_LOCK = 0x39,
    SCROLL_LOCK = 0x47,
    NUM_LOCK = 0x53,
    MODIFIER_FIRST = 0xe0,
    MODIFIER_LAST = 0xe7,
};

// ---- The queue

static struct ts_input_event *at(struct input_events *e, uint32_t index)
{
    return &e->queue[(e->first + index) % TS_INPUT_QUEUE];
}

static void put(struct input_events *e, const struct ts_input_event *event)
{
    *at(e, e->count++) = *event;
    e->statistics.events++;
}

// What is down already, after a RESET: there is room, since the queue was emptied.
static void put_reset(struct input_events *e, ts_time_t now, int32_t why)
{
    e->first = e->count = 0;
    put(e, &(struct ts_input_event){.time = now, .type = TS_INPUT_RESET, .value = why});
    for (uint32_t i = 0; i < e->downs; i++) {
        put(e, &(struct ts_input_event){.time = now,
                                        .type = TS_INPUT_KEY,
                                        .code = e->down[i].code,
                                        .device = e->down[i].device,
                                        .value = TS_INPUT_HELD});
    }
}
static_assert(TS_INPUT_DOWN + 2 <= TS_INPUT_QUEUE, "a RESET, what is down, and what follows fit");

// If no more fit, all are dropped: a RESET tells what is down (so a release is in it).
static void add(struct input_events *e, const struct ts_input_event *event)
{
    if (!e->heard) {
        return;
    }
    bool full = e->count == TS_INPUT_QUEUE;
    if (full) {
        e->statistics.lost++;
        put_reset(e, event->time, TS_INPUT_LOST);
    }
    if (!full || event->type != TS_INPUT_KEY || event->value != TS_INPUT_UP) {
        put(e, event);
    }
}

void events_begin(struct input_events *e, ts_time_t now, bool heard)
{
    e->heard = heard;
    e->first = e->count = 0;
    e->repeat.code = 0;
    if (heard) {
        put_reset(e, now, TS_INPUT_BEGIN);
    }
}

uint32_t events_peek(const struct input_events *e, struct ts_input_event *out, uint32_t room)
{
    uint32_t count = e->count < room ? e->count : room;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = e->queue[(e->first + i) % TS_INPUT_QUEUE];
    }
    return count;
}

void events_drop(struct input_events *e, uint32_t count)
{
    e->first = (e->first + count) % TS_INPUT_QUEUE;
    e->count -= count;
}

// ---- Keys

static uint32_t find_down(const struct input_events *e, uint16_t device, uint32_t code)
{
    uint32_t i = 0;
    while (i < e->downs && (e->down[i].code != code || e->down[i].device != device)) {
        i++;
    }
    return i;
}

static bool repeats(uint32_t code)
{
    uint32_t id = TS_INPUT_ID(code);
    return TS_INPUT_PAGE(code) == TS_INPUT_PAGE_KEYBOARD && id != CAPS_LOCK && id != SCROLL_LOCK &&
           id != NUM_LOCK && (id < MODIFIER_FIRST || id > MODIFIER_LAST);
}

static void release(struct input_events *e, ts_time_t now, uint32_t index)
{
    struct input_down key = e->down[index];
    e->down[index] = e->down[--e->downs];
    if (e->repeat.code == key.code && e->repeat.device == key.device) {
        e->repeat.code = 0;
    }
    add(e, &(struct ts_input_event){.time = now,
                                    .type = TS_INPUT_KEY,
                                    .code = key.code,
                                    .device = key.device,
                                    .value = TS_INPUT_UP});
}

static bool press(struct input_events *e, ts_time_t now, uint16_t device, uint32_t code)
{
    if (e->downs == TS_INPUT_DOWN) {
        e->statistics.refused++;
        return false;
    }
    struct input_down key = {code, device};
    struct ts_input_event event = {
        .time = now, .type = TS_INPUT_KEY, .code = code, .device = device, .value = TS_INPUT_PRESS};
    add(e, &event); // a RESET before it does not have this key yet
    e->down[e->downs++] = key;
    if (repeats(code)) {
        e->repeat = key;
        e->repeats = 0;
    }
    return true;
}

bool events_key(struct input_events *e, ts_time_t now, uint16_t device, uint32_t code, bool down)
{
    uint32_t index = find_down(e, device, code);
    if (down == (index < e->downs)) {
        return false;
    }
    if (down) {
        return press(e, now, device, code);
    }
    release(e, now, index);
    return true;
}

bool events_repeat(struct input_events *e, ts_time_t now)
{
    if (e->repeat.code == 0 || e->repeats++ >= TS_INPUT_REPEATS) {
        e->repeat.code = 0;
        return false;
    }
    if (e->count > 0 || !e->heard) {
        return true; // the reader is busy: there would be more of them than it had time for
    }
    e->statistics.repeats++;
    add(e, &(struct ts_input_event){.time = now,
                                    .type = TS_INPUT_KEY,
                                    .code = e->repeat.code,
                                    .device = e->repeat.device,
                                    .value = TS_INPUT_REPEAT});
    return true;
}

bool events_is_down(const struct input_events *e, uint32_t code)
{
    for (uint32_t i = 0; i < e->downs; i++) {
        if (e->down[i].code == code) {
            return true;
        }
    }
    return false;
}

// ---- Motion, devices

// What waits of this axis since the last event of another kind; NULL: none.
static struct ts_input_event *find_motion(struct input_events *e, uint16_t device, uint32_t code)
{
    for (uint32_t i = e->count; i > 0; i--) {
        struct ts_input_event *event = at(e, i - 1);
        if (event->type != TS_INPUT_MOTION) {
            return NULL;
        }
        if (event->code == code && event->device == device) {
            return event;
        }
    }
    return NULL;
}

void events_motion(struct input_events *e, ts_time_t now, uint16_t device, uint32_t code,
                   int32_t by)
{
    if (by == 0) {
        return;
    }
    struct ts_input_event *waits = find_motion(e, device, code);
    int32_t sum;
    if (waits != NULL && !__builtin_add_overflow(waits->value, by, &sum)) {
        waits->value = sum;
        waits->time = now;
        return;
    }
    add(e, &(struct ts_input_event){
               .time = now, .type = TS_INPUT_MOTION, .code = code, .device = device, .value = by});
}

void events_release(struct input_events *e, ts_time_t now, uint16_t device)
{
    for (uint32_t i = e->downs; i > 0; i--) {
        if (e->down[i - 1].device == device) {
            release(e, now, i - 1);
        }
    }
}

void events_device(struct input_events *e, ts_time_t now, uint16_t device, bool there)
{
    events_release(e, now, device);
    add(e, &(struct ts_input_event){
               .time = now, .type = TS_INPUT_DEVICE, .device = device, .value = there});
}
