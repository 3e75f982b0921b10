// SPDX-License-Identifier: MIT
#include "command.h"
#include "system.h"

#define SECOND UINT64_C(1000000000)

int main(int argc, char **argv)
{
    command_begin(argc, argv,
                  "uptime\nShows how long the system has run and what its processors did "
                  "meanwhile.\n");
    command_no_arguments(argc, argv);
    struct ts_system_statistics s = system_statistics();
    uint64_t up = s.uptime_ns / SECOND;
    uint64_t possible = s.uptime_ns / 100 * (s.cpus ? s.cpus : 1);
    unsigned idle = possible ? (unsigned)(s.idle_ns / possible) : 0;
    printf("up %llu d %02u:%02u:%02u, %u processors, %u %% idle\n",
           (unsigned long long)(up / 86400), (unsigned)(up % 86400 / 3600),
           (unsigned)(up % 3600 / 60), (unsigned)(up % 60), s.cpus, idle > 100 ? 100 : idle);
    printf("%llu requests, %llu switches, %llu interrupts, %llu page faults\n",
           (unsigned long long)s.requests, (unsigned long long)s.switches,
           (unsigned long long)s.interrupts, (unsigned long long)s.faults);
    return command_end(0);
}
