// SPDX-License-Identifier: MIT
#include "evdev.h"

#include <drivers/input/pc_keys.h>
#include <stddef.h>
#include <tessera/proto/input.h>

#define BUTTON_FIRST 0x110u
#define BUTTON_COUNT 5u
#define OTHERS_FIRST INPUT_PC_KEYS

// Of the keyboard page, behind the PC's.
static const uint8_t others[] = {
    0x87, 0x92, 0x93, 0x8a, 0x88, 0x8b, 0x8c, 0x58, 0xe4, 0x54, 0x46, 0xe6,
    0x00, 0x4a, 0x52, 0x4b, 0x50, 0x4f, 0x4d, 0x51, 0x4e, 0x49, 0x4c,
};

static const struct {
    uint16_t code;
    uint8_t page;
    uint16_t id;
} more[] = {
    {84, TS_INPUT_PAGE_KEYBOARD, 0x94},  {85, TS_INPUT_PAGE_KEYBOARD, 0x94},
    {113, TS_INPUT_PAGE_CONSUMER, 0xe2}, {114, TS_INPUT_PAGE_CONSUMER, 0xea},
    {115, TS_INPUT_PAGE_CONSUMER, 0xe9}, {116, TS_INPUT_PAGE_DESKTOP, 0x81},
    {117, TS_INPUT_PAGE_KEYBOARD, 0x67}, {119, TS_INPUT_PAGE_KEYBOARD, 0x48},
    {121, TS_INPUT_PAGE_KEYBOARD, 0x85}, {122, TS_INPUT_PAGE_KEYBOARD, 0x90},
    {123, TS_INPUT_PAGE_KEYBOARD, 0x91}, {124, TS_INPUT_PAGE_KEYBOARD, 0x89},
    {125, TS_INPUT_PAGE_KEYBOARD, 0xe3}, {126, TS_INPUT_PAGE_KEYBOARD, 0xe7},
    {127, TS_INPUT_PAGE_KEYBOARD, 0x65}, {142, TS_INPUT_PAGE_DESKTOP, 0x82},
    {143, TS_INPUT_PAGE_DESKTOP, 0x83},  {163, TS_INPUT_PAGE_CONSUMER, 0xb5},
    {164, TS_INPUT_PAGE_CONSUMER, 0xcd}, {165, TS_INPUT_PAGE_CONSUMER, 0xb6},
    {166, TS_INPUT_PAGE_CONSUMER, 0xb7},
};

uint32_t evdev_key(uint16_t code)
{
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (more[i].code == code) {
            return TS_INPUT_USAGE(more[i].page, more[i].id);
        }
    }
    uint8_t id = 0;
    if (code < INPUT_PC_KEYS) {
        id = input_pc_keys[code];
    } else if (code - OTHERS_FIRST < sizeof(others)) {
        id = others[code - OTHERS_FIRST];
    } else if (code >= BUTTON_FIRST && code < BUTTON_FIRST + BUTTON_COUNT) {
        return TS_INPUT_BUTTON(code - BUTTON_FIRST + 1u);
    }
    return id != 0 ? TS_INPUT_KEY_CODE(id) : 0;
}

uint32_t evdev_relative(uint16_t code)
{
    switch (code) {
    case 0: return TS_INPUT_X;
    case 1: return TS_INPUT_Y;
    case 6: return TS_INPUT_WHEEL_ACROSS;
    case 8: return TS_INPUT_WHEEL;
    default: return 0;
    }
}
