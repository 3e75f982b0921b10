// SPDX-License-Identifier: MIT
#include <unistd.h>
#include "command.h"

int main(int argc, char **argv)
{
    char path[4096];
    command_begin(argc, argv, "pwd\nPrints the working directory.\n");
    command_no_arguments(argc, argv);
    if (getcwd(path, sizeof(path)) == NULL) {
        return command_error("working directory");
    }
    puts(path);
    return command_end(0);
}
