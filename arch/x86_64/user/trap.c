// SPDX-License-Identifier: MIT
// The invalid instruction by which a process ends itself: see <tessera/lib/process.h>.
#include <tessera/lib/process.h>

_Noreturn void ts_process_trap(uint64_t mark)
{
    for (;;) {
        __asm__ volatile("ud2" : : "a"(mark) : "memory");
    }
}
