// SPDX-License-Identifier: MIT
// The events of some devices (tessera/proto/input.h): which keys are down, what repeats, and what
// waits for the one reader. Pure, without time of its own.
//
// Whatever a driver says in whatever order, a reader hears presses and releases in turn.
#pragma once

#include <stdbool.h>
#include <tessera/proto/input.h>

struct input_down {
    uint32_t code;
    uint16_t device;
};

struct input_events {
    bool heard;               // there is a reader: else nothing is kept but what is down
    uint32_t first, count;    // of the queue
    uint32_t downs;           // how many keys are down
    uint32_t repeats;         // of the key that repeats, so far
    struct input_down repeat; // code 0: none does
    struct input_down down[TS_INPUT_DOWN];
    struct ts_input_statistics statistics;
    struct ts_input_event queue[TS_INPUT_QUEUE];
};

// A reader begins (or none is left): what waited is dropped.
void events_begin(struct input_events *events, ts_time_t now, bool heard);

// A key or button changed, as the device says. False: nothing new (it is down already, which
// keyboards that repeat say, or it is up; or TS_INPUT_DOWN others are down).
bool events_key(struct input_events *events, ts_time_t now, uint16_t device, uint32_t code,
                bool down);

void events_motion(struct input_events *events, ts_time_t now, uint16_t device, uint32_t code,
                   int32_t by);

// A device was plugged in, or has gone: its keys are released.
void events_device(struct input_events *events, ts_time_t now, uint16_t device, bool there);

// Its keys are released; it is there still.
void events_release(struct input_events *events, ts_time_t now, uint16_t device);

// The time has come for the key that repeats. False: it does not any more.
bool events_repeat(struct input_events *events, ts_time_t now);

bool events_is_down(const struct input_events *events, uint32_t code);

// What waits: copied out, and dropped once the reader has it.
uint32_t events_peek(const struct input_events *events, struct ts_input_event *out, uint32_t room);
void events_drop(struct input_events *events, uint32_t count);
