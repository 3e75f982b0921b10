// SPDX-License-Identifier: MIT
#include "command.h"
#include "system.h"

int main(int argc, char **argv)
{
    command_begin(argc, argv, "reboot\nStops all services, then restarts the machine.\n");
    if (argc > 1) {
        command_usage();
    }
    return system_steer(TS_INIT_REBOOT, NULL);
}
