// SPDX-License-Identifier: MIT
#include "scancode.h"

#include <assert.h>
#include <drivers/input/pc_keys.h>
#include <stddef.h>
#include <tessera/proto/input.h>

enum {
    EXTENDED = 0xe0,
    PAUSED = 0xe1,
    RELEASED = 0xf0, // of set 2
    RELEASE_BIT = 0x80,
    ERROR_LOW = 0x00,
    ERROR_HIGH = 0xff,
    ACKNOWLEDGED = 0xfa,
    SHIFT_LEFT = 0x2a, // of set 1; with EXTENDED: no key, but a hint to old programs
    SHIFT_RIGHT = 0x36,
    CONTROL_LEFT = 0x1d,
    NUM_LOCK = 0x45,
    USAGE_PAUSE = 0x48,
};

// Set 2 to set 1: what the controller does.
static const uint8_t translation[] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29,
    0x59, 0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11,
    0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14,
    0x13, 0x06, 0x5d, 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24,
    0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35,
    0x26, 0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36,
    0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c,
    0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
    0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, 0x00, 0x00, 0x00, 0x41, 0x54,
};

// Set 1 behind the first PC's, to usages of the keyboard page.
static const uint8_t later[] = {
    0x67, 0x00, 0x00, 0x8c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x68, 0x69,
    0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x00, 0x88, 0x91, 0x90,
    0x87, 0x00, 0x00, 0x73, 0x93, 0x92, 0x8a, 0x00, 0x8b, 0x00, 0x89, 0x85, 0x00,
};
static_assert(INPUT_PC_KEYS + sizeof(later) == RELEASE_BIT, "a place for each code");

// The same with EXTENDED before.
static const struct {
    uint8_t code, page;
    uint16_t id;
} extended[] = {
    {0x10, TS_INPUT_PAGE_CONSUMER, 0xb6},  {0x19, TS_INPUT_PAGE_CONSUMER, 0xb5},
    {0x1c, TS_INPUT_PAGE_KEYBOARD, 0x58},  {0x1d, TS_INPUT_PAGE_KEYBOARD, 0xe4},
    {0x20, TS_INPUT_PAGE_CONSUMER, 0xe2},  {0x21, TS_INPUT_PAGE_CONSUMER, 0x192},
    {0x22, TS_INPUT_PAGE_CONSUMER, 0xcd},  {0x24, TS_INPUT_PAGE_CONSUMER, 0xb7},
    {0x2e, TS_INPUT_PAGE_CONSUMER, 0xea},  {0x30, TS_INPUT_PAGE_CONSUMER, 0xe9},
    {0x32, TS_INPUT_PAGE_CONSUMER, 0x223}, {0x35, TS_INPUT_PAGE_KEYBOARD, 0x54},
    {0x37, TS_INPUT_PAGE_KEYBOARD, 0x46},  {0x38, TS_INPUT_PAGE_KEYBOARD, 0xe6},
    {0x46, TS_INPUT_PAGE_KEYBOARD, 0x48},  {0x47, TS_INPUT_PAGE_KEYBOARD, 0x4a},
    {0x48, TS_INPUT_PAGE_KEYBOARD, 0x52},  {0x49, TS_INPUT_PAGE_KEYBOARD, 0x4b},
    {0x4b, TS_INPUT_PAGE_KEYBOARD, 0x50},  {0x4d, TS_INPUT_PAGE_KEYBOARD, 0x4f},
    {0x4f, TS_INPUT_PAGE_KEYBOARD, 0x4d},  {0x50, TS_INPUT_PAGE_KEYBOARD, 0x51},
    {0x51, TS_INPUT_PAGE_KEYBOARD, 0x4e},  {0x52, TS_INPUT_PAGE_KEYBOARD, 0x49},
    {0x53, TS_INPUT_PAGE_KEYBOARD, 0x4c},  {0x5b, TS_INPUT_PAGE_KEYBOARD, 0xe3},
    {0x5c, TS_INPUT_PAGE_KEYBOARD, 0xe7},  {0x5d, TS_INPUT_PAGE_KEYBOARD, 0x65},
    {0x5e, TS_INPUT_PAGE_DESKTOP, 0x81},   {0x5f, TS_INPUT_PAGE_DESKTOP, 0x82},
    {0x63, TS_INPUT_PAGE_DESKTOP, 0x83},   {0x65, TS_INPUT_PAGE_CONSUMER, 0x221},
    {0x66, TS_INPUT_PAGE_CONSUMER, 0x22a}, {0x67, TS_INPUT_PAGE_CONSUMER, 0x227},
    {0x68, TS_INPUT_PAGE_CONSUMER, 0x226}, {0x69, TS_INPUT_PAGE_CONSUMER, 0x225},
    {0x6a, TS_INPUT_PAGE_CONSUMER, 0x224}, {0x6b, TS_INPUT_PAGE_CONSUMER, 0x194},
    {0x6c, TS_INPUT_PAGE_CONSUMER, 0x18a}, {0x6d, TS_INPUT_PAGE_CONSUMER, 0x183},
};

static uint32_t find_plain(uint8_t code)
{
    uint8_t id = code < INPUT_PC_KEYS ? input_pc_keys[code] : later[code - INPUT_PC_KEYS];
    return id != 0 ? TS_INPUT_KEY_CODE(id) : 0;
}

static uint32_t find_extended(uint8_t code)
{
    for (size_t i = 0; i < sizeof(extended) / sizeof(extended[0]); i++) {
        if (extended[i].code == code) {
            return TS_INPUT_USAGE(extended[i].page, extended[i].id);
        }
    }
    return 0;
}

// Pause is PAUSED and two codes, for its press and, at once, for its release.
static enum scancode_result take_pause(struct scancode *s, uint8_t code, uint32_t *out_code)
{
    if (code == CONTROL_LEFT && !s->pause) {
        s->prefix = PAUSED;
        s->pause = true;
        return SCANCODE_NONE;
    }
    bool whole = s->pause && code == NUM_LOCK;
    s->pause = false;
    *out_code = TS_INPUT_KEY_CODE(USAGE_PAUSE);
    return whole ? SCANCODE_KEY : SCANCODE_UNKNOWN;
}

static enum scancode_result take_code(struct scancode *s, uint8_t code, uint32_t *out_code)
{
    uint8_t prefix = s->prefix;
    s->prefix = 0;
    if (prefix == PAUSED) {
        return take_pause(s, code, out_code);
    }
    if (prefix == EXTENDED && (code == SHIFT_LEFT || code == SHIFT_RIGHT)) {
        return SCANCODE_NONE;
    }
    *out_code = prefix == EXTENDED ? find_extended(code) : find_plain(code);
    return *out_code != 0 ? SCANCODE_KEY : SCANCODE_UNKNOWN;
}

enum scancode_result scancode_take(struct scancode *s, uint8_t byte, uint32_t *out_code,
                                   bool *out_down)
{
    if (byte == ERROR_LOW || byte == ERROR_HIGH) {
        *s = (struct scancode){.translated = s->translated};
        return SCANCODE_OVERRUN;
    }
    if (byte == EXTENDED || byte == PAUSED) {
        s->prefix = byte;
        s->pause = s->pause && byte == PAUSED;
        return SCANCODE_NONE;
    }
    if (byte == ACKNOWLEDGED) {
        return SCANCODE_NONE;
    }
    if (s->translated) {
        *out_down = !(byte & RELEASE_BIT);
        return take_code(s, byte & (uint8_t)~RELEASE_BIT, out_code);
    }
    if (byte == RELEASED) {
        s->released = true;
        return SCANCODE_NONE;
    }
    *out_down = !s->released;
    s->released = false;
    byte = byte < sizeof(translation) ? translation[byte] : 0;
    return take_code(s, byte & (uint8_t)~RELEASE_BIT, out_code);
}
