// SPDX-License-Identifier: MIT
#include <ctype.h>
#include "command.h"

enum { LINES = 1, WORDS = 2, BYTES = 4 };

struct counts {
    unsigned options;
    unsigned files;
    uint64_t lines, words, bytes;
};

static void show(const struct counts *counts, const char *name)
{
    const uint64_t numbers[] = {counts->lines, counts->words, counts->bytes};
    bool one = (counts->options & (counts->options - 1)) == 0; // is not aligned with others
    const char *gap = "";
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (counts->options & 1u << i) {
            printf("%s%*llu", gap, one ? 1 : 7, (unsigned long long)numbers[i]);
            gap = " ";
        }
    }
    printf("%s%s\n", *name ? " " : "", name);
}

static int count(FILE *file, const char *name, void *context)
{
    struct counts *total = context;
    struct counts own = {.options = total->options};
    bool inside = false;
    int c;
    while ((c = getc(file)) != EOF) {
        own.bytes++;
        own.lines += c == '\n';
        own.words += !isspace(c) && !inside;
        inside = !isspace(c);
    }
    if (ferror(file)) {
        return command_error(name);
    }
    show(&own, file == stdin ? "" : name);
    total->files++;
    total->lines += own.lines;
    total->words += own.words;
    total->bytes += own.bytes;
    return 0;
}

int main(int argc, char **argv)
{
    int index;
    command_begin(argc, argv, "wc [-lwc] [FILE]…\nCounts lines, words and bytes.\n");
    struct counts total = {.options = command_options(argc, argv, "lwc", &index)};
    total.options = total.options ? total.options : LINES | WORDS | BYTES;
    int status = command_each(argc, argv, index, count, &total);
    if (total.files > 1) {
        show(&total, "total");
    }
    return command_end(status);
}
