// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

struct arch_frame {
    uint64_t rip, rbp;
};
