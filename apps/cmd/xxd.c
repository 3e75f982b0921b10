// SPDX-License-Identifier: MIT
#include <ctype.h>
#include "command.h"

#define ROW 16

static int dump(FILE *file, const char *name, void *context)
{
    (void)context;
    unsigned char row[ROW];
    uint64_t offset = 0;
    size_t got;
    while ((got = fread(row, 1, ROW, file)) > 0) {
        printf("%08llx: ", (unsigned long long)offset);
        for (size_t i = 0; i < ROW; i++) {
            if (i < got) {
                printf("%02x", row[i]);
            } else {
                fputs("  ", stdout);
            }
            if (i % 2) {
                putchar(' ');
            }
        }
        putchar(' ');
        for (size_t i = 0; i < got; i++) {
            putchar(isprint(row[i]) ? row[i] : '.');
        }
        putchar('\n');
        offset += got;
    }
    return ferror(file) ? command_error(name) : 0;
}

int main(int argc, char **argv)
{
    command_begin(argc, argv, "xxd [FILE]…\nShows bytes as hexadecimal numbers and characters.\n");
    int index;
    (void)command_options(argc, argv, "", &index);
    return command_end(command_each(argc, argv, index, dump, NULL));
}
