// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "command.h"

enum { LONG = 1, ALL = 2, SINGLE = 4, ITSELF = 8 };

#define LINE_COLUMNS 80

static unsigned options;

static char type_of(mode_t mode)
{
    return S_ISDIR(mode)    ? 'd'
           : S_ISCHR(mode)  ? 'c'
           : S_ISFIFO(mode) ? 'p'
           : S_ISSOCK(mode) ? 's'
                            : '-';
}

static void show_long(const char *path, const char *name)
{
    struct stat info;
    char mode[11] = "?---------", when[32];
    if (lstat(path, &info) < 0) { // a service's name cannot be opened by everyone
        printf("%s %10s %16s %s\n", mode, "", "", name);
        return;
    }
    mode[0] = type_of(info.st_mode);
    for (int i = 0; i < 9; i++) {
        mode[i + 1] = info.st_mode & (0400 >> i) ? "rwx"[i % 3] : '-';
    }
    strftime(when, sizeof(when), "%Y-%m-%d %H:%M", gmtime(&info.st_mtime));
    printf("%s %10lld %16s %s\n", mode, (long long)info.st_size, when, name);
}

static int visible(const struct dirent *entry)
{
    return (options & ALL) || entry->d_name[0] != '.';
}

static int width_of(const struct dirent *entry)
{
    return (int)strlen(entry->d_name) + (entry->d_type == DT_DIR);
}

static void show_columns(struct dirent **entries, int count)
{
    int width = 1;
    for (int i = 0; i < count; i++) {
        width = width_of(entries[i]) + 2 > width ? width_of(entries[i]) + 2 : width;
    }
    int columns = !(options & SINGLE) && isatty(STDOUT_FILENO) ? LINE_COLUMNS / width : 1;
    columns = columns < 1 ? 1 : columns;
    int rows = (count + columns - 1) / columns;
    for (int row = 0; row < rows; row++) {
        for (int i = row; i < count; i += rows) {
            const char *mark = entries[i]->d_type == DT_DIR ? "/" : "";
            bool last = i + rows >= count;
            printf("%s%s%*s", entries[i]->d_name, mark, last ? 0 : width - width_of(entries[i]),
                   "");
        }
        putchar('\n');
    }
}

static int list(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, visible, alphasort);
    if (count < 0) {
        return command_error(path);
    }
    if (!(options & LONG)) {
        show_columns(entries, count);
    }
    for (int i = 0; i < count; i++) {
        if (options & LONG) {
            char *full = command_join(path, entries[i]->d_name);
            show_long(full, entries[i]->d_name);
            free(full);
        }
        free(entries[i]);
    }
    free(entries);
    return 0;
}

static int show(const char *path, bool heading)
{
    struct stat info;
    if (stat(path, &info) < 0) {
        return command_error(path);
    }
    if (S_ISDIR(info.st_mode) && !(options & ITSELF)) {
        if (heading) {
            printf("%s:\n", path);
        }
        return list(path);
    }
    if (options & LONG) {
        show_long(path, path);
    } else {
        puts(path);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int index, status = 0;
    command_begin(argc, argv,
                  "ls [-la1d] [PATH]…\nLists directories. -l: with mode, size and time; -a: names "
                  "with a leading dot too;\n-1: one a line; -d: directories themselves.\n");
    options = command_options(argc, argv, "la1d", &index);
    if (index == argc) {
        status = show(".", false);
    }
    for (int i = index; i < argc; i++) {
        status |= show(argv[i], argc - index > 1);
    }
    return command_end(status);
}
