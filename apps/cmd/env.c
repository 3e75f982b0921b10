// SPDX-License-Identifier: MIT
#include <unistd.h>
#include "command.h"

extern char **environ;

int main(int argc, char **argv)
{
    command_begin(argc, argv, "env\nPrints the environment.\n");
    command_no_arguments(argc, argv);
    for (char **word = environ; *word != NULL; word++) {
        puts(*word);
    }
    return command_end(0);
}
