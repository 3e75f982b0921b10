// SPDX-License-Identifier: MIT
#pragma once

#include <arch/types.h>

struct arch_space {
    paddr_t root;
};
