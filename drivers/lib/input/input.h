// SPDX-License-Identifier: MIT
// Serves tessera/proto/input.h for a driver: sessions, their reads, lights, repeats, and
// Ctrl-Alt-Del. The driver says what its devices do:
//
//   static void key_down(struct input *input, const struct ts_input_device *keyboard)
//   {
//       input_plugged(input, 0, keyboard); // when it is found, after input_start
//       input_key(input, 0, TS_INPUT_KEY_CODE(4), true);
//       input_told(input); // after what came together
//   }
//
// One read of a session waits at a time: so what waits is no more than there are sessions.
#pragma once

#include <drivers/input/events.h>
#include <tessera/lib/server.h>

struct input;

struct input_session {
    struct ts_object object;
    struct input *input;
    struct input_session *next; // the one that was there before it
    struct ts_request *read;    // that waits; NULL: none
    uint32_t leds;
    struct ts_input_repeat repeat;
    bool hears; // it has READ
};

struct input {
    struct ts_loop *loop;
    struct ts_server server;
    struct input_session root;
    struct input_session *sessions; // the newest first
    struct input_session *holder;   // the newest of those that hear; NULL: there is none
    void (*lights)(struct input *input, uint32_t leds); // light these (TS_INPUT_LED_*), no others
    struct input_events events;
    struct ts_timer repeat;
    struct ts_async reboot;
    struct ts_call reboot_call;
    uint32_t device_count;
    struct ts_input_device devices[TS_INPUT_DEVICES];
};

// Makes the server on the loop, and its root. All else may be called from then on.
TS_MUST_USE ts_status_t input_start(struct input *input, struct ts_loop *loop,
                                    void (*lights)(struct input *, uint32_t),
                                    ts_handle_t *out_root);

// A device is there, or (has: 0) has gone; the first time for each number, in order, also for
// places where nothing is yet.
void input_plugged(struct input *input, uint16_t device, const struct ts_input_device *what);

// What the devices do; then input_told once.
void input_key(struct input *input, uint16_t device, uint32_t code, bool down);
void input_motion(struct input *input, uint16_t device, uint32_t code, int32_t by);
void input_released(struct input *input, uint16_t device); // all of its keys
void input_told(struct input *input);
