// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "editor.h"

#define CTRL(letter) ((letter)&0x1f)

static void show(struct editor *e, const char *text)
{
    e->show(text, strlen(text));
}

static bool continues(char byte) // a UTF-8 character
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t columns(const char *text, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        n += !continues(text[i]);
    }
    return n;
}

static void redraw(struct editor *e)
{
    char back[24];
    show(e, "\r");
    show(e, e->prompt);
    e->show(e->text, e->length);
    show(e, "\x1b[K");
    size_t behind = columns(e->text + e->cursor, e->length - e->cursor);
    if (behind) {
        snprintf(back, sizeof(back), "\x1b[%zuD", behind);
        show(e, back);
    }
}

void editor_start(struct editor *e, const char *prompt)
{
    e->prompt = prompt;
    e->length = e->cursor = 0;
    e->text[0] = '\0';
    e->state = KEY_PLAIN;
    e->history_at = e->history_count;
    show(e, prompt);
}

static void insert(struct editor *e, char byte)
{
    if (e->length + 1 >= sizeof(e->text)) {
        show(e, "\a");
        return;
    }
    memmove(e->text + e->cursor + 1, e->text + e->cursor, e->length - e->cursor + 1);
    e->text[e->cursor++] = byte;
    e->length++;
    if (e->cursor == e->length) {
        e->show(&byte, 1);
    } else {
        redraw(e);
    }
}

static size_t before(const struct editor *e, size_t at)
{
    while (at && continues(e->text[--at])) {
    }
    return at;
}

static size_t after(const struct editor *e, size_t at)
{
    at += at < e->length;
    while (at < e->length && continues(e->text[at])) {
        at++;
    }
    return at;
}

// Removes [from, to) and leaves the cursor there.
static void erase(struct editor *e, size_t from, size_t to)
{
    memmove(e->text + from, e->text + to, e->length - to + 1);
    e->length -= to - from;
    e->cursor = from;
    redraw(e);
}

static void move(struct editor *e, size_t to)
{
    if (to != e->cursor) {
        e->cursor = to;
        redraw(e);
    }
}

static void erase_word(struct editor *e)
{
    size_t from = e->cursor;
    while (from && e->text[from - 1] == ' ') {
        from--;
    }
    while (from && e->text[from - 1] != ' ') {
        from--;
    }
    erase(e, from, e->cursor);
}

static void replace(struct editor *e, const char *line)
{
    e->length = e->cursor = strlen(line);
    memmove(e->text, line, e->length + 1);
    redraw(e);
}

static void history_go(struct editor *e, bool older)
{
    if (older ? e->history_at == 0 : e->history_at == e->history_count) {
        show(e, "\a");
        return;
    }
    if (e->history_at == e->history_count) {
        memcpy(e->draft, e->text, e->length + 1);
    }
    e->history_at += older ? (size_t)-1 : 1;
    replace(e, e->history_at == e->history_count ? e->draft : e->history[e->history_at]);
}

// The last byte of "ESC [ number? letter".
static void sequence_end(struct editor *e, unsigned char byte)
{
    switch (byte) {
    case 'A': history_go(e, true); break;
    case 'B': history_go(e, false); break;
    case 'C': move(e, after(e, e->cursor)); break;
    case 'D': move(e, before(e, e->cursor)); break;
    case 'H': move(e, 0); break;
    case 'F': move(e, e->length); break;
    case '~':
        if (e->number == 1 || e->number == 7) {
            move(e, 0);
        } else if (e->number == 4 || e->number == 8) {
            move(e, e->length);
        } else if (e->number == 3 && e->cursor < e->length) {
            erase(e, e->cursor, after(e, e->cursor));
        }
        break;
    default: break;
    }
}

static void escape(struct editor *e, unsigned char byte)
{
    if (e->state == KEY_ESCAPE) {
        e->state = byte == '[' || byte == 'O' ? KEY_BRACKET : KEY_PLAIN;
        e->number = 0;
    } else if (byte >= '0' && byte <= '9') {
        e->number = e->number < 1000 ? e->number * 10 + (byte - '0') : e->number;
    } else if (byte >= 0x40) {
        e->state = KEY_PLAIN;
        sequence_end(e, byte);
    }
}

static enum editor_result control(struct editor *e, unsigned char byte)
{
    switch (byte) {
    case '\r':
    case '\n': show(e, "\n"); return EDITOR_DONE;
    case CTRL('C'): show(e, "^C\n"); return EDITOR_ABANDONED;
    case CTRL('D'):
        if (e->length == 0) {
            show(e, "\n");
            return EDITOR_END;
        }
        if (e->cursor < e->length) {
            erase(e, e->cursor, after(e, e->cursor));
        }
        break;
    case '\b':
    case 0x7f:
        if (e->cursor) {
            erase(e, before(e, e->cursor), e->cursor);
        }
        break;
    case CTRL('A'): move(e, 0); break;
    case CTRL('B'): move(e, before(e, e->cursor)); break;
    case CTRL('E'): move(e, e->length); break;
    case CTRL('F'): move(e, after(e, e->cursor)); break;
    case CTRL('K'): erase(e, e->cursor, e->length); break;
    case CTRL('L'):
        show(e, "\x1b[H\x1b[2J");
        redraw(e);
        break;
    case CTRL('N'): history_go(e, false); break;
    case CTRL('P'): history_go(e, true); break;
    case CTRL('U'): erase(e, 0, e->cursor); break;
    case CTRL('W'): erase_word(e); break;
    case '\t': insert(e, ' '); break;
    case 0x1b: e->state = KEY_ESCAPE; break;
    default: break; // other control characters mean nothing here
    }
    return EDITOR_MORE;
}

enum editor_result editor_key(struct editor *e, unsigned char byte)
{
    if (e->state != KEY_PLAIN) {
        escape(e, byte);
        return EDITOR_MORE;
    }
    if (byte < ' ' || byte == 0x7f) {
        return control(e, byte);
    }
    insert(e, (char)byte);
    return EDITOR_MORE;
}

void editor_remember(struct editor *e, const char *line)
{
    size_t n = e->history_count;
    if (!line[strspn(line, " ")] || (n && !strcmp(e->history[n - 1], line))) {
        return;
    }
    char *copy = strdup(line);
    if (copy == NULL) {
        return;
    }
    if (n == HISTORY_MAX) {
        free(e->history[0]);
        memmove(e->history, e->history + 1, (HISTORY_MAX - 1) * sizeof(e->history[0]));
        n--;
    }
    e->history[n] = copy;
    e->history_count = n + 1;
}

void editor_free(struct editor *e)
{
    for (size_t i = 0; i < e->history_count; i++) {
        free(e->history[i]);
    }
    e->history_count = 0;
}
