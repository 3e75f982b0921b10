// SPDX-License-Identifier: MIT
#include "command.h"
#include "system.h"

int main(int argc, char **argv)
{
    uint64_t number = 0;
    command_begin(argc, argv,
                  "poweroff [STATUS]\nStops all services, then the machine. STATUS is the "
                  "exit status of an emulator.\n");
    if (argc > 2 || (argc == 2 && !command_number(argv[1], 255, &number))) {
        command_usage();
    }
    struct ts_init_power power = {.status = (int32_t)number};
    ts_status_t status =
        ts_call_bytes(system_control(), TS_INIT_POWER_OFF, &power, sizeof(power), NULL, 0, NULL);
    return status == TS_OK ? 0 : command_status("init", status);
}
