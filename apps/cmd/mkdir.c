// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "command.h"

static int make_all(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        return command_error(path);
    }
    for (char *at = copy + 1; copy[0]; at++) {
        char c = *at;
        if (c != '/' && c != '\0') {
            continue;
        }
        *at = '\0';
        struct stat info;
        // A directory of a read-only store above it may be there already.
        if (mkdir(copy, 0777) < 0 && !(stat(copy, &info) == 0 && S_ISDIR(info.st_mode))) {
            int status = command_error(copy);
            free(copy);
            return status;
        }
        *at = c;
        if (c == '\0') {
            break;
        }
    }
    free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    int index, status = 0;
    command_begin(argc, argv,
                  "mkdir [-p] PATH…\nCreates directories. -p: parents too; existing ones are no "
                  "error.\n");
    bool parents = command_options(argc, argv, "p", &index);
    if (index == argc) {
        command_usage();
    }
    for (; index < argc; index++) {
        if (parents) {
            status |= make_all(argv[index]);
        } else if (mkdir(argv[index], 0777) < 0) {
            status = command_error(argv[index]);
        }
    }
    return status;
}
