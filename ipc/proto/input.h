// SPDX-License-Identifier: MIT
// Input devices: keyboards, mice. The whole contract between a driver of some of them and those
// that read what a person does there.
//
// Codes are HID usages (USB-IF, HID Usage Tables): page << 16 | id. One public document numbers
// keys, media keys, buttons, axes and lights, a USB device says these numbers itself, and those of
// other devices are a table in their driver. A usage is a place on the keyboard: drivers/lib/keymap
// makes characters of it.
//
// Objects. A driver serves one root for all of its devices. open "": a session.
//
//   read   waits for events; as many whole `struct ts_input_event` as are there and have room.
//          TS_FLAG_NOWAIT: TS_ERR_AGAIN. Room for none: TS_ERR_OVERFLOW. Offset is ignored.
//          One read of a session waits at a time: TS_ERR_BUSY for others.
//
// Signal: READABLE a read would not wait.
//
// Who hears. Nobody who was not given the service's name. Of the sessions that can read (READ), the
// newest has the devices: its reads get the events, its lights are lit. Reads of the others wait.
// When it ends, with its last handle, the newest of those that are left has the devices. So a
// window system opens a session while it is in front, and the console beneath it has the keys again
// when that one is closed or has died. A session without READ hears nothing and takes nothing.
//
// Exactness. An event RESET begins what a session hears: when it opens, when the devices come back
// to it, and when events were lost since it did not read (TS_INPUT_QUEUE wait at most). From then
// on each key and button counts as up, but those that follow with TS_INPUT_HELD: they are down
// already, and what they would do when pressed is not done. Each key that is pressed or held is
// released later, or a RESET comes: when a device is unplugged its keys are released first. Motion
// is added up while it waits, so that it is not lost. A repeat is left out while other events wait.
//
// Hostile peers. A driver checks what the device says: there are only events as below, with at most
// TS_INPUT_DOWN keys down. What a client sets is checked, what it does not read costs the queue
// alone. The client ignores events and codes that it does not know.
//
// Restart. The session of a driver that died says TS_ERR_PEER_CLOSED. The client opens the name
// again, sets what it had set, and begins as after each RESET.
#pragma once

#include <assert.h>
#include <tessera/abi/object.h>
#include <tessera/abi/types.h>

#define TS_INPUT_QUEUE   256u // events that wait for a session at most
#define TS_INPUT_DOWN    64u  // keys and buttons that are down at the same time at most
#define TS_INPUT_DEVICES 8u   // of a driver at most

enum ts_input_type {
    TS_INPUT_RESET = 1,  // value: TS_INPUT_BEGIN, TS_INPUT_LOST. Of no device
    TS_INPUT_KEY = 2,    // code: a key or button; value: TS_INPUT_UP …
    TS_INPUT_MOTION = 3, // code: an axis; value: by how much, right, down, or a wheel's notches up.
                         // What belongs together has the same time
    TS_INPUT_DEVICE = 4, // value: 1 it was plugged in, 0 it has gone
};

#define TS_INPUT_BEGIN 0
#define TS_INPUT_LOST  1 // and what waited before was dropped, too

#define TS_INPUT_UP     0
#define TS_INPUT_PRESS  1
#define TS_INPUT_REPEAT 2 // still down; the driver repeats, whether or not the device can
#define TS_INPUT_HELD   3 // down already: only after RESET

struct ts_input_event {
    ts_time_t time;  // when the driver heard of it
    uint32_t code;   // TS_INPUT_USAGE
    int32_t value;   //
    uint16_t device; // from 0, below TS_INPUT_DEVICES
    uint16_t type;   // enum ts_input_type
    uint32_t reserved;
};
static_assert(sizeof(struct ts_input_event) == 24, "input event");

// ---- Codes: pages of usages, and those that drivers and clients name

#define TS_INPUT_USAGE(page, id) ((uint32_t)(page) << 16 | (uint32_t)(id))
#define TS_INPUT_PAGE(code)      ((uint32_t)(code) >> 16)
#define TS_INPUT_ID(code)        ((uint32_t)(code)&0xffffu)

enum ts_input_page {
    TS_INPUT_PAGE_DESKTOP = 0x01,  // X, Y, wheel; power and sleep keys
    TS_INPUT_PAGE_KEYBOARD = 0x07, // keys
    TS_INPUT_PAGE_LED = 0x08,      // lights
    TS_INPUT_PAGE_BUTTON = 0x09,   // 1 left, 2 right, 3 middle, 4 back, 5 forward
    TS_INPUT_PAGE_CONSUMER = 0x0c, // volume, play, …; 0x238: the wheel that goes sideways
};

#define TS_INPUT_KEY_CODE(id) TS_INPUT_USAGE(TS_INPUT_PAGE_KEYBOARD, id)
#define TS_INPUT_BUTTON(n)    TS_INPUT_USAGE(TS_INPUT_PAGE_BUTTON, n) // from 1
#define TS_INPUT_X            TS_INPUT_USAGE(TS_INPUT_PAGE_DESKTOP, 0x30)
#define TS_INPUT_Y            TS_INPUT_USAGE(TS_INPUT_PAGE_DESKTOP, 0x31)
#define TS_INPUT_WHEEL        TS_INPUT_USAGE(TS_INPUT_PAGE_DESKTOP, 0x38)
#define TS_INPUT_WHEEL_ACROSS TS_INPUT_USAGE(TS_INPUT_PAGE_CONSUMER, 0x238)

// ---- Properties

// u64: TS_INPUT_LED_*. Get and set (WRITE), of the session: lit while it has the devices. At first
// none. TS_ERR_ARGUMENT: others.
#define TS_PROPERTY_INPUT_LEDS (TS_PROPERTY_PROTOCOL_FIRST + 0)
// struct ts_input_repeat. Get and set (WRITE), of the session. TS_ERR_RANGE: limits as below.
#define TS_PROPERTY_INPUT_REPEAT (TS_PROPERTY_PROTOCOL_FIRST + 1)
// struct ts_input_device[]: a record for each device that the driver looks for. Get only.
#define TS_PROPERTY_INPUT_DEVICES (TS_PROPERTY_PROTOCOL_FIRST + 2)
// struct ts_input_statistics. Get only.
#define TS_PROPERTY_INPUT_STATISTICS (TS_PROPERTY_PROTOCOL_FIRST + 3)

#define TS_INPUT_LED_NUM    1u // bit id - 1 of the LED page's usage
#define TS_INPUT_LED_CAPS   2u
#define TS_INPUT_LED_SCROLL 4u

#define TS_INPUT_DELAY_MIN    100u
#define TS_INPUT_DELAY_MAX    5000u
#define TS_INPUT_INTERVAL_MIN 10u
#define TS_INPUT_INTERVAL_MAX 1000u
#define TS_INPUT_REPEATS      1000u // of one key, which may have been pulled out while it was down

// Of keys; modifiers and locks do not repeat.
struct ts_input_repeat {
    uint32_t delay_ms;    // until the first; 0: none. 400 at first
    uint32_t interval_ms; // between two; 33 at first
};
static_assert(sizeof(struct ts_input_repeat) == 8, "input repeat");

#define TS_INPUT_HAS_KEYS    1u
#define TS_INPUT_HAS_LEDS    2u
#define TS_INPUT_HAS_MOTION  4u
#define TS_INPUT_HAS_BUTTONS 8u
#define TS_INPUT_HAS_WHEEL   16u

struct ts_input_device {
    char name[24];    // zero-terminated
    uint32_t has;     // TS_INPUT_HAS_*; 0: nothing is plugged in there
    uint32_t buttons; // how many
};
static_assert(sizeof(struct ts_input_device) == 32, "input device");

struct ts_input_statistics {
    uint64_t events, repeats;       // that were told
    uint64_t lost;                  // RESETs with TS_INPUT_LOST
    uint64_t refused;               // of the device's words, those that mean nothing
    uint64_t interrupts, polls;     // of the driver
    uint64_t resets, sessions_ever; // of devices; sessions that were opened
};
static_assert(sizeof(struct ts_input_statistics) == 64, "input statistics");
