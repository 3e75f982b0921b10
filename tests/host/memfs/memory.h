// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

extern unsigned memory_live, memory_mapped; // objects with a handle; mappings
extern bool memory_fails;                   // further objects cannot be made
extern void (*memory_between)(void);        // called once, at the loop's next step
