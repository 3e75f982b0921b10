// SPDX-License-Identifier: MIT
#include "mouse.h"

enum {
    ALWAYS = 0x08, // set in each first byte
    RIGHT_SIGN = 0x10,
    UP_SIGN = 0x20,
    RIGHT_OVERFLOW = 0x40,
    UP_OVERFLOW = 0x80,
    BUTTONS = 0x07,
    MORE_BUTTONS = 0x30, // of the fourth byte
    SELF_TEST_PASSED = 0xaa,
    PLAIN_ID = 0x00,
    FAR = 255,
};

static int32_t distance(uint8_t value, bool negative, bool overflow)
{
    if (overflow) {
        return negative ? -FAR : FAR;
    }
    return negative ? (int32_t)value - 256 : value;
}

static void report(const struct mouse *m, struct mouse_report *out)
{
    const uint8_t *p = m->packet;
    *out = (struct mouse_report){
        .right = distance(p[1], p[0] & RIGHT_SIGN, p[0] & RIGHT_OVERFLOW),
        .down = -distance(p[2], p[0] & UP_SIGN, p[0] & UP_OVERFLOW),
        .buttons = p[0] & BUTTONS,
    };
    if (m->kind == MOUSE_WHEEL) { // which counts notches towards the person
        out->wheel = -(int8_t)p[3];
    } else if (m->kind == MOUSE_BUTTONS) {
        int32_t notches = p[3] & 0x0f;
        out->wheel = notches < 8 ? -notches : 16 - notches;
        out->buttons |= (uint8_t)((p[3] & MORE_BUTTONS) >> 1);
    }
}

enum mouse_result mouse_take(struct mouse *m, uint8_t byte, struct mouse_report *out)
{
    if (m->count == 0 && !(byte & ALWAYS)) {
        return MOUSE_BAD;
    }
    m->packet[m->count++] = byte;
    // No mouse moves so far that it is a packet which begins like this.
    if (m->count == 2 && m->packet[0] == SELF_TEST_PASSED && byte == PLAIN_ID) {
        m->count = 0;
        return MOUSE_PLUGGED;
    }
    if (m->count < (m->kind == MOUSE_PLAIN ? 3 : 4)) {
        return MOUSE_NONE;
    }
    m->count = 0;
    report(m, out);
    return MOUSE_REPORT;
}
