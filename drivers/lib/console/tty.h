// SPDX-License-Identifier: MIT
// A terminal's line discipline (tessera/proto/console.h): between characters that a device gives
// and takes, and readers and writers. Pure and without time: it only keeps two queues.
//
//   device --tty_input--> edited line --> ready --tty_peek, tty_consume--> readers
//   device <--tty_output, tty_sent-- out <--tty_write (and echo)-- writers
//
// Nothing waits here: a caller that finds a queue empty or full comes again later. Input that finds
// no room is dropped and counted; echo that finds none in its half of the queue is left out.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tessera/proto/console.h>

#define TTY_READY 8192u // powers of two
#define TTY_OUT   8192u

struct tty {
    uint32_t mode;   // TS_CONSOLE_MODE_*
    uint32_t events; // TS_CONSOLE_EVENT_* since tty_take_events
    uint64_t overruns;
    uint32_t ready_head, ready_tail; // free-running
    uint32_t out_head, out_tail;
    uint32_t edit_length;
    uint8_t edit[TS_CONSOLE_LINE_MAX];
    uint16_t ready[TTY_READY]; // a byte and TTY_END or TTY_END_OF_INPUT
    uint8_t out[TTY_OUT];
};

// Cooked, empty.
void tty_init(struct tty *tty);

// A character was typed.
void tty_input(struct tty *tty, uint8_t byte);

// Changes the mode. A line that is being edited becomes readable when LINE goes.
void tty_set_mode(struct tty *tty, uint32_t mode);

// Whether a read would be answered now.
bool tty_readable(const struct tty *tty);

// What a read of at most `room` bytes gets; *out_consume is what tty_consume is to be told once the
// reader has it. 0 bytes with *out_consume 1: the end of input. Only when tty_readable.
size_t tty_peek(const struct tty *tty, uint8_t *buffer, size_t room, uint32_t *out_consume);
void tty_consume(struct tty *tty, uint32_t count);

// Queues bytes to show; how many it took.
size_t tty_write(struct tty *tty, const uint8_t *bytes, size_t length);
bool tty_writable(const struct tty *tty);

// The oldest bytes to show, at most `room`; tty_sent drops as many as the device took.
size_t tty_output(const struct tty *tty, uint8_t *buffer, size_t room);
void tty_sent(struct tty *tty, size_t count);

// The events since the last time.
uint32_t tty_take_events(struct tty *tty);
