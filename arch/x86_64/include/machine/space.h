// SPDX-License-Identifier: MIT
// An address space: the root of a four-level page table.
#pragma once

#include <arch/types.h>

struct arch_space {
    paddr_t root; // value of CR3
};
