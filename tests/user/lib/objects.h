// SPDX-License-Identifier: MIT
// What the kernel has: the objects of its heap, which the debug kernel counts, and all pages.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/abi/types.h>

// False: this kernel does not count them.
bool objects_count(uint64_t *out_count);
// Whether they are as few as that again by then.
bool objects_are_back(uint64_t most, ts_time_t until);
// Whether what the kernel says of the pages in use adds up within seconds: others run meanwhile.
bool pages_are_explained(void);
