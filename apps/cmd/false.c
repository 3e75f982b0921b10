// SPDX-License-Identifier: MIT
#include "command.h"

int main(int argc, char **argv)
{
    command_begin(argc, argv, "false\nFails.\n");
    return 1;
}
