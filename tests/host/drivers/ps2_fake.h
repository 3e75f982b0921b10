// SPDX-License-Identifier: MIT
// An i8042 of the test's own with a device at each port, which may be absent, slow, or lie.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAKE_PORTS   2u
#define FAKE_BYTES   64u
#define FAKE_FOREVER UINT32_MAX

enum fake_kind { FAKE_NOTHING, FAKE_KEYBOARD, FAKE_OLD_KEYBOARD, FAKE_MOUSE };

struct fake_device {
    enum fake_kind kind;
    uint8_t best;      // of a mouse: what the knocks bring it to (0, 3, 4)
    uint8_t id;        // what it says now
    uint8_t rates[3];  // that were set last
    uint8_t parameter; // of which command the next byte is
    uint8_t lights;    // of a keyboard
    bool enabled;
    uint32_t again; // so many bytes are answered with "again"
    bool silent;    // answers nothing
};

struct fake_controller {
    bool absent;         // all ones
    bool stuck;          // it always has a byte
    uint32_t busy;       // looks for which it takes no byte
    uint32_t delay;      // looks until a byte shows
    uint8_t test_answer; // 0x55
    uint8_t port_answer[FAKE_PORTS];
    bool one_port;
    uint8_t settings;
    uint8_t command; // that waits for its byte
    uint32_t pauses; // milliseconds that the driver slept
    uint32_t looks;  // at the status
    uint32_t queued;
    struct {
        uint8_t byte, port;
        bool bad;
    } queue[FAKE_BYTES];
    struct fake_device devices[FAKE_PORTS];
    uint32_t wait;
};

extern struct fake_controller fake;

void fake_begin(enum fake_kind first, enum fake_kind second);
uint8_t fake_read(bool data);
void fake_write(bool data, uint8_t value);

// The device at a port sends a byte.
void fake_send(unsigned port, uint8_t byte);
