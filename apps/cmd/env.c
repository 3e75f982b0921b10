// SPDX-License-Identifier: MIT
#include "command.h"

int main(int argc, char **argv, char **envp)
{
    command_begin(argc, argv, "env\nPrints the environment.\n");
    for (; *envp; envp++) {
        puts(*envp);
    }
    return command_end(0);
}
