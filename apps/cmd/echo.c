// SPDX-License-Identifier: MIT
#include <string.h>
#include "command.h"

int main(int argc, char **argv)
{
    command_begin(argc, argv, "echo [-n] [WORD]…\nPrints the words. -n: without a newline.\n");
    int i = 1;
    bool end = true;
    if (i < argc && !strcmp(argv[i], "-n")) {
        end = false;
        i++;
    }
    for (; i < argc; i++) {
        printf("%s%s", argv[i], i + 1 < argc ? " " : "");
    }
    if (end) {
        putchar('\n');
    }
    return command_end(0);
}
