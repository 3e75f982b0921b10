// SPDX-License-Identifier: MIT
// How long a CPU has interrupts off, and where. The debug kernel measures each such section, with
// locks or without: from the instruction that turned them off, or the entry from user mode or by an
// interrupt, to the one that turns them on, the way back, or the wait of an idle CPU.
//
// The release kernel has none of this.
#pragma once

#include <stdint.h>

#if TS_DEBUG

// Interrupts are off since just now; nothing happens if they were off before.
void section_begin(void);
// They are about to be turned on.
void section_end(void);

// The longest section since the boot, in ticks of arch_counter().
uint64_t section_longest(void);
// Writes to the log where the longest ones were, if one was longer than those that it wrote before.
// Interrupts on.
void section_report(void);

#else

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

#endif
