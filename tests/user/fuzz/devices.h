// SPDX-License-Identifier: MIT
// What only drivers have, for the hostile program: resources in which no device lies, and sessions
// of two functions of QEMU's that nobody else drives: pci-testdev, which has registers in memory,
// and pci-serial, which has ports and an interrupt that fires when a port is written. Only
// tests/system/test_fuzz.py gives the fuzzer all of this; elsewhere it goes without.
#pragma once

#include <stdint.h>
#include <tessera/lib/spawn.h>

// The resources, as test_fuzz.py has them.
#define DEVICES_PHYSICAL  UINT64_C(0x60000000) // beyond RAM
#define DEVICES_PORTS     0x5000u
#define DEVICES_PORT_ROOM 64u
#define DEVICES_LINE      5u
#define DEVICES_LINES     3u
#define DEVICES_FIRST     0xf000u // functions of a bus that is not there
#define DEVICES_COUNT     4u

#define DEVICES_HANDLES 7u

// Finds what there is.
void devices_begin(void);
// For a round: opens the functions. Puts what there is into `handles`, and returns how many.
uint32_t devices_give(struct ts_spawn_handle handles[DEVICES_HANDLES]);
// The hostile program is gone: gives the functions up, and releases what it left pinned.
void devices_take(void);
