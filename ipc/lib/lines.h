// SPDX-License-Identifier: MIT
// Configuration files: lines of words. Blanks separate words, "a word with blanks" is in quotes;
// `#` where a word could begin begins a comment.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TS_LINE_WORDS 64u

// The lines of a text one after the other; ts_lines_begin, then ts_lines_next until that is false.
struct ts_lines {
    char *next, *end;  // what is left
    char *start;       // of this line
    unsigned number;   // of this line, from 1
    const char *wrong; // with this line, NULL: nothing; and where it is
    char *wrong_at;
    uint32_t count;
    char *words[TS_LINE_WORDS]; // they end in zero, and lie in the text
};

// `text` is changed and stays as long as its words; text[length] is writable.
void ts_lines_begin(struct ts_lines *lines, char *text, size_t length);

// The next line that has words, or that is wrong: then the words are those before what is wrong.
bool ts_lines_next(struct ts_lines *lines);

// Where a word of this line begins, in bytes from 1, with its quote; `word` == count: what is
// wrong, or behind the last.
unsigned ts_lines_column(const struct ts_lines *lines, uint32_t word);
