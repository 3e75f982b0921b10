// SPDX-License-Identifier: MIT
#pragma once

#include <arch/types.h>

struct arch_thread {
    struct arch_space *space;
};
