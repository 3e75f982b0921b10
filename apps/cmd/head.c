// SPDX-License-Identifier: MIT
#include <string.h>
#include "command.h"

static int head(FILE *file, const char *name, void *context)
{
    uint64_t lines = *(uint64_t *)context;
    int c;
    while (lines && (c = getc(file)) != EOF) {
        putchar(c);
        lines -= c == '\n';
    }
    return ferror(file) ? command_error(name) : 0;
}

int main(int argc, char **argv)
{
    uint64_t lines = 10;
    int index = 1;
    command_begin(argc, argv, "head [-n LINES] [FILE]…\nPrints the first lines (10).\n");
    if (argc > 1 && !strcmp(argv[1], "-n")) {
        if (argc < 3 || !command_number(argv[2], UINT64_MAX, &lines)) {
            command_usage();
        }
        index = 3;
    }
    int files; // from argv[index - 1] on, as if that were the program's name
    (void)command_options(argc - index + 1, argv + index - 1, "", &files);
    index += files - 1;
    return command_end(command_each(argc, argv, index, head, &lines));
}
