// SPDX-License-Identifier: MIT
#pragma once

#include <arch/types.h>
#include <tessera/abi/types.h>

struct arch_space {
    int unused;
};
extern struct arch_space kernel_space;

TS_MUST_USE ts_status_t arch_space_query(struct arch_space *space, vaddr_t address,
                                         paddr_t *out_page, unsigned *out_prot);
