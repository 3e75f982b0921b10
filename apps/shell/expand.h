// SPDX-License-Identifier: MIT
// From a word as written to the arguments it stands for: quotes and backslashes go, $NAME, ${NAME},
// $?, $$, $!, $#, $0 to $9 become values. A value that stands outside of quotes is split at blanks;
// a word that comes to nothing and has no quotes is no argument.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct words {
    char **list; // NULL-terminated once it is not NULL
    size_t count;
};

// The value of a name (not zero-terminated), NULL when it has none.
typedef const char *(*lookup_t)(const char *name, size_t length);

// Appends what `word` stands for. False: out of memory.
bool expand_word(const char *word, lookup_t lookup, struct words *out);

// The same without splitting, for assignments and redirections. NULL: out of memory.
char *expand_single(const char *word, lookup_t lookup);

void words_free(struct words *words);

// Length of NAME if `word` has the form NAME=value, else 0.
size_t assignment_name(const char *word);
