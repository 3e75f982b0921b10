// SPDX-License-Identifier: MIT
// Editing a line on a terminal that shows bytes as they are: bytes in, bytes out. Knows the keys
// backspace, Ctrl-A B C D E F K L N P U W, arrows, Home, End, Delete. UTF-8 characters are
// edited whole and taken to be one column wide.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LINE_MAX_BYTES 1024
#define HISTORY_MAX    64

enum editor_result {
    EDITOR_MORE,      // the line goes on
    EDITOR_DONE,      // editor->text is the line
    EDITOR_ABANDONED, // Ctrl-C
    EDITOR_END,       // Ctrl-D on an empty line
};

struct editor {
    void (*show)(const char *bytes, size_t length);
    const char *prompt;
    char text[LINE_MAX_BYTES]; // zero-terminated
    size_t length, cursor;
    enum { KEY_PLAIN, KEY_ESCAPE, KEY_BRACKET } state;
    unsigned number;            // of an escape sequence
    char *history[HISTORY_MAX]; // oldest first
    size_t history_count;
    size_t history_at;          // == history_count: the line that is being written
    char draft[LINE_MAX_BYTES]; // that line, while an older one is shown
};

// Shows the prompt for an empty line.
void editor_start(struct editor *editor, const char *prompt);

enum editor_result editor_key(struct editor *editor, unsigned char byte);

// Remembers a line; the oldest is forgotten. Empty lines and repetitions are not kept.
void editor_remember(struct editor *editor, const char *line);
void editor_free(struct editor *editor);
