// SPDX-License-Identifier: MIT
// What a PS/2 mouse sends: packets of three or four bytes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum mouse_kind { // as the device says
    MOUSE_PLAIN = 0,
    MOUSE_WHEEL = 3,
    MOUSE_BUTTONS = 4, // five, and a wheel
};

struct mouse {
    enum mouse_kind kind;
    uint8_t count; // bytes of the packet that came
    uint8_t packet[4];
};

struct mouse_report {
    int32_t right, down, wheel;
    uint8_t buttons; // bit 0: left, 1: right, 2: middle, 3: back, 4: forward
};

enum mouse_result {
    MOUSE_NONE,    // the packet goes on
    MOUSE_REPORT,  // it is whole
    MOUSE_BAD,     // no packet begins so
    MOUSE_PLUGGED, // the device was reset: another one may be there
};

enum mouse_result mouse_take(struct mouse *mouse, uint8_t byte, struct mouse_report *out_report);
