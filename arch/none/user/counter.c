// SPDX-License-Identifier: MIT
#include <tessera/lib/clock.h>

uint64_t ts_machine_counter(void)
{
    return 0;
}
