// SPDX-License-Identifier: MIT
// Ports by which a kernel under test ends its emulator. On real machines nothing is there.
#pragma once

#include <arch/types.h>

#define EMULATOR_EXIT_PORT  0xf4   // QEMU isa-debug-exit: its status is value * 2 + 1
#define EMULATOR_BOCHS_PORT 0x8900 // Bochs: the letters of "Shutdown"

// Tries both; returns if neither is there.
void emulator_exit(uint32_t status);
