// SPDX-License-Identifier: MIT
// The objects of the kernel's heap, which the debug kernel counts.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// False: this kernel does not count them.
bool objects_count(uint64_t *out_count);
// Whether they are as few as that again within seconds.
bool objects_are_back(uint64_t most);
