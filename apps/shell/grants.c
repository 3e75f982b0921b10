// SPDX-License-Identifier: MIT
// /etc/rights: which of its handles' rights the shell keeps to itself, and which programs get them
// all the same. Lines of words; `#` begins a comment:
//
//   keep HANDLE RIGHT…            programs get the handle without these rights
//   give PROGRAM HANDLE           save this one: its path, as it is opened
//
// Only what the shell starts is meant: what a program gives on, it has. Without the file, or with a
// line that is not understood, all MANAGE and SHARE are kept, and the reading of the log.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/abi/right.h>
#include <tessera/abi/types.h>
#include "shell.h"

#define RIGHTS_PATH "/etc/rights"
#define LINES_MAX   64u
#define WORDS_MAX   16u

struct line {
    char handle[32], program[64]; // program: empty for `keep`
    ts_rights_t rights;           // kept
};

static struct line lines[LINES_MAX];
static unsigned line_count;
static bool understood;

static ts_rights_t right_named(const char *word)
{
    static const struct {
        const char *name;
        ts_rights_t right;
    } names[] = {
#define TS_RIGHT(name, bit, meaning) {#name, TS_RIGHT_##name},
#include <tessera/abi/right.def>
#undef TS_RIGHT
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcasecmp(word, names[i].name)) {
            return names[i].right;
        }
    }
    return 0;
}

static bool copy(char *to, size_t size, const char *word)
{
    size_t length = strlen(word);
    if (length >= size) {
        return false;
    }
    memcpy(to, word, length + 1);
    return true;
}

// False: it says nothing that makes sense.
static bool take_line(char *text)
{
    char *words[WORDS_MAX], *rest = NULL;
    unsigned count = 0;
    text[strcspn(text, "#\n")] = '\0';
    for (char *word = strtok_r(text, " \t", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " \t", &rest)) {
        words[count++] = word;
    }
    if (count == 0) {
        return true;
    }
    struct line *line = &lines[line_count];
    if (line_count == LINES_MAX || count < 3) {
        return false;
    }
    line_count++;
    if (!strcmp(words[0], "give")) {
        return count == 3 && copy(line->program, sizeof(line->program), words[1]) &&
               copy(line->handle, sizeof(line->handle), words[2]);
    }
    for (unsigned i = 2; i < count; i++) {
        ts_rights_t right = right_named(words[i]);
        if (!right) {
            return false;
        }
        line->rights |= right;
    }
    return !strcmp(words[0], "keep") && copy(line->handle, sizeof(line->handle), words[1]);
}

void grants_init(void)
{
    char text[256];
    FILE *file = fopen(RIGHTS_PATH, "r");
    understood = file != NULL;
    while (file != NULL && fgets(text, sizeof(text), file) != NULL) {
        understood = take_line(text) && understood;
    }
    if (file != NULL) {
        fclose(file);
    }
    if (!understood) {
        fprintf(stderr, "sh: %s: syntax error\n", RIGHTS_PATH);
    }
}

// As much as the image's own file keeps from most programs, whatever a broken one was to say.
static ts_rights_t kept_without_lines(const char *handle)
{
    return TS_RIGHT_MANAGE | TS_RIGHT_SHARE | (strcmp(handle, TS_NAME_LOG) ? 0 : TS_RIGHT_READ);
}

uint32_t grants_rights(const char *program, const char *handle)
{
    ts_rights_t kept = understood ? 0 : kept_without_lines(handle);
    for (unsigned i = 0; understood && i < line_count; i++) {
        const struct line *line = &lines[i];
        if (strcmp(line->handle, handle) != 0) {
            continue;
        }
        if (!strcmp(line->program, program)) {
            return TS_RIGHTS_SAME;
        }
        kept |= line->rights;
    }
    return TS_RIGHTS_ALL & ~(uint32_t)kept;
}
