// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "command.h"

enum { RECURSIVE = 1, FORCE = 2 };

static unsigned options;

static int remove_path(const char *path);

static int remove_directory(const char *path)
{
    struct dirent **entries;
    int status = 0;
    int count = scandir(path, &entries, NULL, NULL);
    if (count < 0) {
        return command_error(path);
    }
    for (int i = 0; i < count; i++) {
        char *inner = command_join(path, entries[i]->d_name);
        status |= remove_path(inner);
        free(inner);
        free(entries[i]);
    }
    free(entries);
    if (status == 0 && rmdir(path) < 0) {
        status = command_error(path);
    }
    return status;
}

static int remove_path(const char *path)
{
    if (unlink(path) == 0 || ((options & FORCE) && errno == ENOENT)) {
        return 0;
    }
    if (errno == EISDIR && (options & RECURSIVE)) {
        return remove_directory(path);
    }
    return command_error(path);
}

int main(int argc, char **argv)
{
    int index, status = 0;
    command_begin(argc, argv,
                  "rm [-rf] PATH…\nRemoves files. -r: directories with their content;\n"
                  "-f: missing files are no error.\n");
    options = command_options(argc, argv, "rf", &index);
    if (index == argc && !(options & FORCE)) {
        command_usage();
    }
    for (; index < argc; index++) {
        if (!strcmp(argv[index], "/") || !strcmp(argv[index], ".") || !strcmp(argv[index], "..")) {
            fprintf(stderr, "rm: %s: cannot be removed\n", argv[index]);
            status = 1;
            continue;
        }
        status |= remove_path(argv[index]);
    }
    return status;
}
