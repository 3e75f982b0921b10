// SPDX-License-Identifier: MIT
#include <drivers/console/tty.h>

#define TTY_END          0x100u // the last byte of a line: a read ends here
#define TTY_END_OF_INPUT 0x200u // no byte: a read of nothing

enum { // ASCII names
    CTRL_C = 3,
    CTRL_D = 4,
    BELL = 7,
    BACKSPACE = 8,
    CTRL_U = 21,
    CTRL_W = 23,
    CTRL_Z = 26,
    CTRL_BACKSLASH = 28,
    DELETE = 127,
};

void tty_init(struct tty *t)
{
    *t = (struct tty){.mode = TS_CONSOLE_MODE_COOKED};
}

// ---- Output

static uint32_t out_room(const struct tty *t)
{
    return TTY_OUT - (t->out_tail - t->out_head);
}

static void put_out(struct tty *t, uint8_t byte)
{
    t->out[t->out_tail++ % TTY_OUT] = byte;
}

// Shows one byte as the mode says. False: no room.
static bool show(struct tty *t, uint8_t byte)
{
    bool crlf = byte == '\n' && (t->mode & TS_CONSOLE_MODE_NL_TO_CRLF);
    if (out_room(t) < 1u + crlf) {
        return false;
    }
    if (crlf) {
        put_out(t, '\r');
    }
    put_out(t, byte);
    return true;
}

size_t tty_write(struct tty *t, const uint8_t *bytes, size_t length)
{
    size_t n = 0;
    while (n < length && show(t, bytes[n])) {
        n++;
    }
    return n;
}

bool tty_writable(const struct tty *t)
{
    return out_room(t) >= 2;
}

size_t tty_output(const struct tty *t, uint8_t *buffer, size_t room)
{
    size_t n = 0;
    for (uint32_t at = t->out_head; at != t->out_tail && n < room; at++) {
        buffer[n++] = t->out[at % TTY_OUT];
    }
    return n;
}

void tty_sent(struct tty *t, size_t count)
{
    t->out_head += (uint32_t)count;
}

// ---- Echo

static bool is_control(uint8_t byte)
{
    return (byte < ' ' && byte != '\t') || byte == DELETE;
}

// Only half of the queue is for echo: endless typing leaves room to writers.
static void echo_as_is(struct tty *t, uint8_t byte)
{
    if ((t->mode & TS_CONSOLE_MODE_ECHO) && out_room(t) > TTY_OUT / 2) {
        show(t, byte);
    }
}

static void echo(struct tty *t, uint8_t byte)
{
    if (is_control(byte) && byte != '\n') {
        echo_as_is(t, '^');
        echo_as_is(t, byte ^ 0x40);
    } else {
        echo_as_is(t, byte);
    }
}

static void echo_text(struct tty *t, const char *text)
{
    for (; *text; text++) {
        echo_as_is(t, (uint8_t)*text);
    }
}

// ---- Input

static uint32_t ready_room(const struct tty *t)
{
    return TTY_READY - (t->ready_tail - t->ready_head);
}

static void put_ready(struct tty *t, uint16_t entry)
{
    if (ready_room(t) == 0) {
        t->overruns++;
        return;
    }
    t->ready[t->ready_tail++ % TTY_READY] = entry;
}

// Makes the edited line readable, if there is room for all of it.
static void end_line(struct tty *t, bool end)
{
    if (ready_room(t) < t->edit_length) {
        t->overruns += t->edit_length;
        t->edit_length = 0;
        return;
    }
    for (uint32_t i = 0; i < t->edit_length; i++) {
        bool last = end && i + 1 == t->edit_length;
        put_ready(t, (uint16_t)(t->edit[i] | (last ? TTY_END : 0)));
    }
    t->edit_length = 0;
}

// Takes the last character off the line: all bytes of its UTF-8 form, all columns of its echo.
static void erase_one(struct tty *t)
{
    if (t->edit_length == 0) {
        return;
    }
    uint8_t byte = t->edit[--t->edit_length];
    while ((byte & 0xc0) == 0x80 && t->edit_length > 0) {
        byte = t->edit[--t->edit_length];
    }
    echo_text(t, is_control(byte) ? "\b\b  \b\b" : "\b \b");
}

static void erase_word(struct tty *t)
{
    while (t->edit_length > 0 && t->edit[t->edit_length - 1] == ' ') {
        erase_one(t);
    }
    while (t->edit_length > 0 && t->edit[t->edit_length - 1] != ' ') {
        erase_one(t);
    }
}

static void add(struct tty *t, uint8_t byte)
{
    if (t->edit_length + 1 == TS_CONSOLE_LINE_MAX && byte != '\n') {
        t->overruns++;
        echo_as_is(t, BELL);
        return;
    }
    t->edit[t->edit_length++] = byte;
    echo(t, byte);
    if (byte == '\n') {
        end_line(t, true);
    }
}

static void end_of_input(struct tty *t)
{
    if (t->edit_length > 0) {
        end_line(t, true);
    } else {
        put_ready(t, TTY_END_OF_INPUT);
    }
}

static void edit(struct tty *t, uint8_t byte)
{
    switch (byte) {
    case BACKSPACE:
    case DELETE: erase_one(t); break;
    case CTRL_W: erase_word(t); break;
    case CTRL_U:
        while (t->edit_length > 0) {
            erase_one(t);
        }
        break;
    case CTRL_D: end_of_input(t); break;
    default: add(t, byte); break;
    }
}

// Whether the character is an event; it then drops what was typed.
static bool signals(struct tty *t, uint8_t byte)
{
    uint32_t event = byte == CTRL_C           ? TS_CONSOLE_EVENT_INTERRUPT
                     : byte == CTRL_BACKSLASH ? TS_CONSOLE_EVENT_QUIT
                     : byte == CTRL_Z         ? TS_CONSOLE_EVENT_SUSPEND
                                              : 0;
    if (event == 0 || !(t->mode & TS_CONSOLE_MODE_SIGNALS)) {
        return false;
    }
    t->events |= event;
    t->edit_length = 0;
    t->ready_head = t->ready_tail;
    echo(t, byte);
    echo_text(t, "\n");
    return true;
}

void tty_input(struct tty *t, uint8_t byte)
{
    if (signals(t, byte)) {
        return;
    }
    if (byte == '\r' && (t->mode & TS_CONSOLE_MODE_CR_TO_NL)) {
        byte = '\n';
    }
    if (t->mode & TS_CONSOLE_MODE_LINE) {
        edit(t, byte);
    } else {
        echo(t, byte);
        put_ready(t, byte);
    }
}

void tty_set_mode(struct tty *t, uint32_t mode)
{
    if (!(mode & TS_CONSOLE_MODE_LINE)) {
        end_line(t, false);
    }
    t->mode = mode;
}

bool tty_readable(const struct tty *t)
{
    return t->ready_head != t->ready_tail;
}

size_t tty_peek(const struct tty *t, uint8_t *buffer, size_t room, uint32_t *out_consume)
{
    size_t n = 0;
    uint32_t at = t->ready_head;
    while (at != t->ready_tail && n < room) {
        uint16_t entry = t->ready[at % TTY_READY];
        if (entry & TTY_END_OF_INPUT) {
            at += n == 0; // after bytes it stays for the next read
            break;
        }
        buffer[n++] = (uint8_t)entry;
        at++;
        if (entry & TTY_END) {
            break;
        }
    }
    *out_consume = at - t->ready_head;
    return n;
}

void tty_consume(struct tty *t, uint32_t count)
{
    t->ready_head += count;
}

uint32_t tty_take_events(struct tty *t)
{
    uint32_t events = t->events;
    t->events = 0;
    return events;
}
