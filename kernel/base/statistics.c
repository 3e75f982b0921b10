// SPDX-License-Identifier: MIT
// See statistics.h.
#include <base/statistics.h>

struct statistics statistics_cpu[CPU_MAX];

uint64_t statistics_sum(enum statistic statistic)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CPU_MAX; i++) { // those that are not there have counted nothing
        sum += atomic_load_explicit(&statistics_cpu[i].values[statistic], memory_order_relaxed);
    }
    return sum;
}
