// SPDX-License-Identifier: MIT
#include "command.h"

int main(int argc, char **argv, char **envp)
{
    command_begin(argc, argv, "env\nPrints the environment.\n");
    command_no_arguments(argc, argv);
    for (; *envp != NULL; envp++) {
        puts(*envp);
    }
    return command_end(0);
}
