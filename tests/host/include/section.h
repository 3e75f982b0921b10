// SPDX-License-Identifier: MIT
// Host tests have no interrupts, so nothing is measured.
#pragma once

#include <stdint.h>

static inline void section_begin(void)
{}

static inline void section_end(void)
{}

static inline uint64_t section_longest(void)
{
    return 0;
}

static inline void section_report(void)
{}
