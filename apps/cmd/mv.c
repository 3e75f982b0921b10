// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command.h"

// Between stores a file is copied and then removed.
static int copy_and_remove(const char *from, const char *to)
{
    struct stat info;
    if (stat(from, &info) < 0 || S_ISDIR(info.st_mode)) {
        errno = EXDEV;
        return command_error(from);
    }
    FILE *in = fopen(from, "r"), *out = in != NULL ? fopen(to, "w") : NULL;
    if (out == NULL) {
        int status = command_error(in != NULL ? to : from);
        if (in != NULL) {
            fclose(in);
        }
        return status;
    }
    char buffer[4096];
    size_t got;
    bool failed = false;
    while (!failed && (got = fread(buffer, 1, sizeof(buffer), in)) > 0) {
        failed = fwrite(buffer, 1, got, out) != got;
    }
    failed |= ferror(in) != 0;
    fclose(in);
    failed |= fclose(out) != 0;
    if (failed) {
        int status = command_error(to);
        unlink(to);
        return status;
    }
    return unlink(from) < 0 ? command_error(from) : 0;
}

static int move(const char *from, const char *to)
{
    if (rename(from, to) == 0) {
        return 0;
    }
    return errno == EXDEV ? copy_and_remove(from, to) : command_error(from);
}

int main(int argc, char **argv)
{
    int status = 0, index;
    command_begin(argc, argv, "mv FROM TO | mv FROM… DIRECTORY\nRenames and moves files.\n");
    (void)command_options(argc, argv, "", &index);
    int count = argc - index; // paths
    if (count < 2) {
        command_usage();
    }
    const char *to = argv[argc - 1];
    struct stat info;
    bool directory = stat(to, &info) == 0 && S_ISDIR(info.st_mode);
    if (!directory && count > 2) {
        errno = ENOTDIR;
        return command_error(to);
    }
    for (int i = index; i < argc - 1; i++) {
        char *target = directory ? command_join(to, command_base(argv[i])) : NULL;
        status |= move(argv[i], target != NULL ? target : to);
        free(target);
    }
    return status;
}
