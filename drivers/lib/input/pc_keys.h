// SPDX-License-Identifier: MIT
// The keys of the first PC's numbers, to which set 1 of PS/2 keyboards and Linux's codes
// (virtio-input) both have added others: the same up to here.
#pragma once

#include <stdint.h>

#define INPUT_PC_KEYS 0x59u

extern const uint8_t input_pc_keys[INPUT_PC_KEYS]; // ids of the keyboard page; 0: none
