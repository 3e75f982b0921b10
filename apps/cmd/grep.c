// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "command.h"

enum { INVERT = 1, IGNORE_CASE = 2, NUMBERS = 4, COUNT = 8, QUIET = 16 };

struct search {
    const char *text;
    unsigned options;
    bool names; // several files
    bool found;
};

static bool contains(const struct search *search, const char *line)
{
    if (!(search->options & IGNORE_CASE)) {
        return strstr(line, search->text) != NULL;
    }
    size_t length = strlen(search->text);
    for (; strlen(line) >= length; line++) {
        if (!strncasecmp(line, search->text, length)) {
            return true;
        }
        if (!*line) {
            break;
        }
    }
    return false;
}

static int grep(FILE *file, const char *name, void *context)
{
    struct search *search = context;
    char *line = NULL;
    size_t capacity = 0;
    uint64_t number = 0, count = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, file)) >= 0) {
        number++;
        if (contains(search, line) == !!(search->options & INVERT)) {
            continue;
        }
        count++;
        if (search->options & (COUNT | QUIET)) {
            continue;
        }
        if (search->names) {
            printf("%s:", name);
        }
        if (search->options & NUMBERS) {
            printf("%llu:", (unsigned long long)number);
        }
        printf("%s%s", line, length && line[length - 1] == '\n' ? "" : "\n");
    }
    int status = ferror(file) ? command_error(name) : 0;
    free(line);
    if (search->options & COUNT) {
        printf("%s%s%llu\n", search->names ? name : "", search->names ? ":" : "",
               (unsigned long long)count);
    }
    search->found |= count != 0;
    return status;
}

int main(int argc, char **argv)
{
    int index;
    command_begin(
        argc, argv,
        "grep [-vincq] TEXT [FILE]…\nPrints the lines that contain TEXT. -v: lines that do not; "
        "-i: ignore case;\n-n: line numbers; -c: only the count; -q: nothing. "
        "Status 1: no line matched.\n");
    struct search search = {.options = command_options(argc, argv, "vincq", &index)};
    if (index >= argc) {
        command_usage();
    }
    search.text = argv[index++];
    search.names = argc - index > 1;
    int status = command_each(argc, argv, index, grep, &search);
    return command_end(status ? 2 : search.found ? 0 : 1);
}
