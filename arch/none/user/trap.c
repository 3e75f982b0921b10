// SPDX-License-Identifier: MIT
#include <tessera/lib/process.h>

_Noreturn void ts_process_trap(uint64_t mark)
{
    __builtin_trap();
}
