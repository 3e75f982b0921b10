// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command.h"

static bool recursive;

static int copy_bytes(int from, int to, const char *from_name, const char *to_name)
{
    static char buffer[65536];
    ssize_t got;
    while ((got = read(from, buffer, sizeof(buffer))) > 0) {
        for (ssize_t done = 0; done < got;) {
            ssize_t step = write(to, buffer + done, (size_t)(got - done));
            if (step < 0) {
                return command_error(to_name);
            }
            done += step;
        }
    }
    return got < 0 ? command_error(from_name) : 0;
}

static bool same_file(const struct stat *from, const char *to)
{
    struct stat info;
    return stat(to, &info) == 0 && info.st_dev == from->st_dev && info.st_ino == from->st_ino &&
           info.st_ino != 0;
}

static int copy_file(const char *from, const char *to, const struct stat *info)
{
    if (same_file(info, to)) {
        fprintf(stderr, "cp: %s: same file as %s\n", from, to);
        return 1;
    }
    int in = open(from, O_RDONLY);
    if (in < 0) {
        return command_error(from);
    }
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, info->st_mode & 0777);
    if (out < 0) {
        int status = command_error(to);
        close(in);
        return status;
    }
    int status = copy_bytes(in, out, from, to);
    close(in);
    if (close(out) < 0) {
        status = command_error(to);
    }
    return status;
}

static int copy(const char *from, const char *to);

static int copy_directory(const char *from, const char *to)
{
    struct dirent **entries;
    int status = 0;
    int count = scandir(from, &entries, NULL, NULL); // read whole first: `to` may lie in it
    if (count < 0) {
        return command_error(from);
    }
    if (mkdir(to, 0755) < 0 && errno != EEXIST) {
        status = command_error(to);
    }
    for (int i = 0; i < count; i++) {
        char *source = command_join(from, entries[i]->d_name);
        char *target = command_join(to, entries[i]->d_name);
        struct stat made, entry;
        bool itself = stat(to, &made) == 0 && stat(source, &entry) == 0 &&
                      made.st_ino == entry.st_ino && made.st_dev == entry.st_dev;
        if (status == 0 && !itself) {
            status = copy(source, target);
        }
        free(source);
        free(target);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int copy(const char *from, const char *to)
{
    struct stat info;
    if (stat(from, &info) < 0) {
        return command_error(from);
    }
    if (!S_ISDIR(info.st_mode)) {
        return copy_file(from, to, &info);
    }
    if (!recursive) {
        fprintf(stderr, "cp: %s: is a directory (use -r)\n", from);
        return 1;
    }
    return copy_directory(from, to);
}

int main(int argc, char **argv)
{
    int index, status = 0;
    command_begin(argc, argv,
                  "cp [-r] FROM TO | cp [-r] FROM… DIRECTORY\nCopies files. -r: directories with "
                  "their content.\n");
    recursive = command_options(argc, argv, "r", &index);
    if (argc - index < 2) {
        command_usage();
    }
    const char *to = argv[argc - 1];
    struct stat info;
    bool directory = stat(to, &info) == 0 && S_ISDIR(info.st_mode);
    if (!directory && argc - index > 2) {
        errno = ENOTDIR;
        return command_error(to);
    }
    for (int i = index; i < argc - 1; i++) {
        char *target = directory ? command_join(to, command_base(argv[i])) : NULL;
        status |= copy(argv[i], target != NULL ? target : to);
        free(target);
    }
    return status;
}
