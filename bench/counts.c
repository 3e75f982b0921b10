// SPDX-License-Identifier: MIT
// Prints the kernel's counts since it started, for measurements from outside: "count NAME VALUE".
#include "measure.h"

#include <stdio.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/process.h>

int main(void)
{
    struct ts_system_statistics statistics;
    measure_need(ts_system_statistics(ts_named_handle(MEASURE_SYSTEM), &statistics), "counts");
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"switches", statistics.switches},
        {"requests", statistics.requests},
        {"copies", statistics.copies},
        {"bytes_copied", statistics.bytes_copied},
        {"page_allocations", statistics.page_allocations},
        {"faults", statistics.faults},
        {"interrupts", statistics.interrupts},
        {"pages_free", statistics.pages_free},
    };
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        printf("count %s %llu\n", counts[i].name, (unsigned long long)counts[i].value);
    }
    return 0;
}
