// SPDX-License-Identifier: MIT
// The 16550A UART (PC16550D data sheet): initialisation, and moving characters between its FIFOs
// and buffers. Interrupts are only hints: every function looks at the line status.
#pragma once

#include <stdbool.h>
#include <tessera/lib/status.h>

#define UART_PORTS 8u
#define UART_FIFO  16u

#define UART_ABSENT 0xffu // what a register reads as where no chip answers

// How its registers are reached. A failed read gives UART_ABSENT.
struct uart {
    uint8_t (*read)(void *context, uint8_t port);
    void (*write)(void *context, uint8_t port, uint8_t value);
    void (*write_many)(void *context, uint8_t port, const uint8_t *bytes, uint32_t count);
    void *context;
    uint8_t interrupts; // enabled ones, as last written
    uint64_t overruns;
};

// 115,200 baud, 8N1, FIFOs on, interrupts for reception. TS_ERR_NOT_FOUND: there is none.
TS_MUST_USE ts_status_t uart_init(struct uart *uart);

// Reads what has arrived, at most `room` bytes.
uint32_t uart_receive(struct uart *uart, uint8_t *buffer, uint32_t room);

// Gives the chip what it has room for; how many bytes it took.
uint32_t uart_send(struct uart *uart, const uint8_t *bytes, uint32_t count);

// Whether the last bit has left.
bool uart_drained(const struct uart *uart);

// Interrupts when it can take more: on while there is something to send.
void uart_want_room(struct uart *uart, bool want);

// Whether the chip asks for an interrupt now; reading it clears what only needs to be read.
bool uart_interrupting(const struct uart *uart);
