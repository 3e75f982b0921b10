// SPDX-License-Identifier: MIT
#include "command.h"
#include "system.h"

static void show(const char *name, uint64_t pages)
{
    printf("%-12s %10llu KiB %8llu pages\n", name, (unsigned long long)pages * 4,
           (unsigned long long)pages);
}

int main(int argc, char **argv)
{
    command_begin(
        argc, argv,
        "free\nShows the machine's memory: total, free and used. Of the used memory, the kernel's "
        "part:\nits heap, the share of the heap that is charged to jobs, its own pages, and "
        "pages\nin quarantine until their devices are quiet.\n");
    command_no_arguments(argc, argv);
    struct ts_system_statistics s = system_statistics();
    show("total", s.pages_total);
    show("free", s.pages_free);
    show("used", s.pages_total - s.pages_free);
    show("kernel", s.pages_kernel);
    show("  heap", s.pages_heap);
    show("    charged", s.pages_shares);
    show("  own", s.pages_own);
    show("quarantined", s.pages_quarantined);
    return command_end(0);
}
