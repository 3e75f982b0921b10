// SPDX-License-Identifier: MIT
// An address space on the host: an index into the test's tables.
#pragma once

#include <arch/types.h>

struct arch_space {
    paddr_t root; // of a page that page_table_alloc() gave
    uint32_t number;
};
