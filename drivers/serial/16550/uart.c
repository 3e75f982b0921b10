// SPDX-License-Identifier: MIT
#include "uart.h"

enum {
    DATA = 0,
    ENABLE = 1,
    FIFO = 2,
    IDENTIFY = 2,
    LINE = 3,
    MODEM = 4,
    STATUS = 5,
    MODEM_STATUS = 6,
    SCRATCH = 7
};
enum { DIVISOR_LOW = 0, DIVISOR_HIGH = 1 }; // while LINE has DIVISOR_ACCESS

#define ENABLE_RECEIVE 1u
#define ENABLE_ROOM    2u
#define ENABLE_STATUS  4u
#define FIFO_ON        0xc3u // on, what was received cleared, interrupt at 14 characters
#define LINE_8N1       3u
#define DIVISOR_ACCESS 0x80u
#define MODEM_READY    0x0bu // DTR, RTS, and OUT2, which lets interrupts through
#define STATUS_DATA    1u
#define STATUS_OVERRUN 2u
#define STATUS_ROOM    0x20u
#define STATUS_EMPTY   0x40u
#define DRAIN_TRIES    10000u
#define IDENTIFY_NONE  1u

ts_status_t uart_init(struct uart *u)
{
    u->write(u->context, SCRATCH, 0x5a);
    if (u->read(u->context, SCRATCH) != 0x5a || u->read(u->context, STATUS) == UART_ABSENT) {
        return TS_ERR_NOT_FOUND;
    }
    u->write(u->context, ENABLE, 0);
    // What the kernel's log wrote last shall still leave: its FIFO's 16 characters, at most.
    for (unsigned i = 0; i < DRAIN_TRIES && !uart_drained(u); i++) {
    }
    u->write(u->context, LINE, DIVISOR_ACCESS);
    u->write(u->context, DIVISOR_LOW, 1);
    u->write(u->context, DIVISOR_HIGH, 0);
    u->write(u->context, LINE, LINE_8N1);
    u->write(u->context, FIFO, FIFO_ON);
    u->write(u->context, MODEM, MODEM_READY);
    u->interrupts = ENABLE_RECEIVE | ENABLE_STATUS;
    u->write(u->context, ENABLE, u->interrupts);
    return TS_OK;
}

uint32_t uart_receive(struct uart *u, uint8_t *buffer, uint32_t room)
{
    uint32_t n = 0;
    while (n < room) {
        uint8_t status = u->read(u->context, STATUS);
        if (status == UART_ABSENT) {
            break; // it does not answer
        }
        u->overruns += (status & STATUS_OVERRUN) != 0;
        if (!(status & STATUS_DATA)) {
            break;
        }
        buffer[n++] = u->read(u->context, DATA);
    }
    return n;
}

uint32_t uart_send(struct uart *u, const uint8_t *bytes, uint32_t count)
{
    uint8_t status = u->read(u->context, STATUS);
    if (status == UART_ABSENT || !(status & STATUS_ROOM)) {
        return 0;
    }
    count = count < UART_FIFO ? count : UART_FIFO; // empty: all of it is free
    u->write_many(u->context, DATA, bytes, count);
    return count;
}

bool uart_drained(const struct uart *u)
{
    return (u->read(u->context, STATUS) & STATUS_EMPTY) != 0;
}

void uart_want_room(struct uart *u, bool want)
{
    uint8_t interrupts = (uint8_t)((u->interrupts & ~ENABLE_ROOM) | (want ? ENABLE_ROOM : 0));
    if (interrupts != u->interrupts) {
        u->interrupts = interrupts;
        u->write(u->context, ENABLE, interrupts);
    }
}

bool uart_interrupting(const struct uart *u)
{
    uint8_t identify = u->read(u->context, IDENTIFY);
    (void)u->read(u->context, MODEM_STATUS); // its changes are of no interest, but hold the line
    return identify != UART_ABSENT && !(identify & IDENTIFY_NONE);
}
