// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/tessera.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/lib/status.h>
#include <tessera/proto/console.h>
#include <unistd.h>
#include "editor.h"
#include "shell.h"

static struct editor editor;
static uint64_t mode = UINT64_MAX; // as set last

static void show(const char *bytes, size_t length)
{
    (void)write(STDERR_FILENO, bytes, length);
}

static void set_mode(uint64_t new)
{
    if (shell.terminal && new != mode &&
        ts_set_u64(shell.terminal, TS_PROPERTY_CONSOLE_MODE, new) == TS_OK) {
        mode = new;
    }
}

void terminal_init(void)
{
    if (isatty(STDIN_FILENO)) {
        shell.terminal = ts_posix_handle(STDIN_FILENO);
        shell.interactive = true;
        editor.show = show;
    }
}

void terminal_own(void)
{
    struct ts_call call = {.in_handles = 1};
    ts_status_t status = shell.terminal
                             ? ts_duplicate(ts_named_handle(TS_NAME_PROCESS),
                                            TS_RIGHT_WAIT | TS_RIGHT_TRANSFER, &call.in_handle[0])
                             : TS_ERR_NOT_FOUND;
    if (status == TS_OK) {
        status = ts_call(shell.terminal, TS_CONSOLE_OWN, &call, TS_DEADLINE_NONE, NULL);
        ts_close(status == TS_OK ? TS_HANDLE_NONE : call.in_handle[0]);
    }
    if (status != TS_OK) {
        fprintf(stderr, "sh: cannot own the terminal: %s\n", ts_status_text(status));
    }
}

// Bytes as they are typed.
static void terminal_edit(void)
{
    // CR_TO_NL: what is typed ahead for a program is lines to it.
    set_mode(TS_CONSOLE_MODE_NL_TO_CRLF | TS_CONSOLE_MODE_CR_TO_NL);
}

void terminal_line(void)
{
    set_mode(TS_CONSOLE_MODE_COOKED);
}

// A program may have left the terminal in another mode.
static void forget_mode(void)
{
    mode = UINT64_MAX;
}

static char *edit_line(const char *prompt)
{
    forget_mode();
    terminal_edit();
    editor_start(&editor, prompt);
    for (;;) {
        // One byte at a time: what is typed ahead may be meant for the program that is started.
        unsigned char byte;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return NULL;
        }
        switch (editor_key(&editor, byte)) {
        case EDITOR_DONE: editor_remember(&editor, editor.text); return editor.text;
        case EDITOR_ABANDONED: editor_start(&editor, prompt); break;
        case EDITOR_END: return NULL;
        case EDITOR_MORE: break;
        }
    }
}

// A program in the line may read on where the line ends, so nothing is read ahead.
static char *plain_line(void)
{
    static char *line;
    static size_t capacity;
    size_t length = 0;
    for (;;) {
        if (length + 1 >= capacity) {
            size_t larger = capacity ? capacity * 2 : 256;
            char *new = realloc(line, larger);
            if (new == NULL) {
                perror("sh");
                return NULL;
            }
            line = new;
            capacity = larger;
        }
        ssize_t got = read(STDIN_FILENO, line + length, 1);
        if (got <= 0 && length == 0) {
            return NULL;
        }
        if (got <= 0 || line[length] == '\n') {
            line[length] = '\0';
            return line;
        }
        length++;
    }
}

char *read_line(const char *prompt)
{
    return shell.terminal ? edit_line(prompt) : plain_line();
}
