// SPDX-License-Identifier: MIT
// What a PS/2 keyboard sends, as HID usages. It sends set 2; the controller may translate that to
// set 1, as the first PC had it. Here untranslated codes are translated in the same way, so that
// there is one table of keys.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct scancode {
    bool translated; // by the controller
    bool released;   // the prefix of set 2 came
    uint8_t prefix;  // 0, or the one that came
    bool pause;      // the first half of Pause came
};

enum scancode_result {
    SCANCODE_NONE,    // nothing yet, or nothing that matters
    SCANCODE_KEY,     // *out_code is pressed or released
    SCANCODE_UNKNOWN, // no key has this code
    SCANCODE_OVERRUN, // the keyboard has lost some
};

// One byte. *out_down: pressed.
enum scancode_result scancode_take(struct scancode *scancode, uint8_t byte, uint32_t *out_code,
                                   bool *out_down);
