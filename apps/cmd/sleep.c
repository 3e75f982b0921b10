// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <time.h>
#include "command.h"

int main(int argc, char **argv)
{
    command_begin(argc, argv, "sleep SECONDS\nWaits; SECONDS may have a fraction.\n");
    char *end;
    double seconds = argc == 2 ? strtod(argv[1], &end) : -1;
    if (!(seconds >= 0 && seconds < 1e9) || *end || end == argv[1]) {
        command_usage();
    }
    struct timespec time = {.tv_sec = (time_t)seconds};
    time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
    return nanosleep(&time, NULL) < 0 ? command_error("sleep") : 0;
}
