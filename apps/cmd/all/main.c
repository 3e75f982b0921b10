// SPDX-License-Identifier: MIT
// All commands of apps/cmd in one program, which /bin has by the name of each: what they share,
// which is most of it, is in memory once.
#include "commands.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*main)(int argc, char **argv);
} commands[] = {
#define COMMAND(name) {#name, name##_main},
#include <commands.def>
#undef COMMAND
};

int main(int argc, char **argv)
{
    const char *name = argc > 0 ? argv[0] : "";
    const char *slash = strrchr(name, '/');
    name = slash != NULL ? slash + 1 : name;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return commands[i].main(argc, argv);
        }
    }
    fprintf(stderr, "%s: not a command of /bin\n", name);
    return 127;
}
