// SPDX-License-Identifier: MIT
// Linux's codes, which virtio-input speaks, as HID usages.
#pragma once

#include <stdint.h>

enum evdev_type { EVDEV_SYNC = 0, EVDEV_KEY = 1, EVDEV_RELATIVE = 2, EVDEV_LED = 17 };

uint32_t evdev_key(uint16_t code);      // 0: none that is known
uint32_t evdev_relative(uint16_t code); // the same
