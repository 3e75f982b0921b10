// SPDX-License-Identifier: MIT
// The 16550 code against a chip model.
#include "tests/host/check.h"
#include "uart.h"

#include <string.h>

static struct {
    uint8_t scratch, enable, line, divisor[2], modem;
    uint8_t input[32], output[64];
    unsigned input_count, input_at, output_count;
    bool room, absent, overrun;
} chip;

static uint8_t chip_read(void *context, uint8_t port)
{
    (void)context;
    if (chip.absent) {
        return 0xff;
    }
    switch (port) {
    case 0: return chip.input_at < chip.input_count ? chip.input[chip.input_at++] : 0;
    case 2: return chip.input_at < chip.input_count ? 4 : 1;
    case 5: {
        uint8_t status = (uint8_t)((chip.input_at < chip.input_count) | (chip.overrun ? 2 : 0) |
                                   (chip.room ? 0x60 : 0));
        chip.overrun = false;
        return status;
    }
    case 7: return chip.scratch;
    default: return 0;
    }
}

static void chip_write(void *context, uint8_t port, uint8_t value)
{
    (void)context;
    switch (port) {
    case 0:
        if (chip.line & 0x80) {
            chip.divisor[0] = value;
        } else {
            chip.output[chip.output_count++] = value;
        }
        break;
    case 1:
        if (chip.line & 0x80) {
            chip.divisor[1] = value;
        } else {
            chip.enable = value;
        }
        break;
    case 3: chip.line = value; break;
    case 4: chip.modem = value; break;
    case 7: chip.scratch = value; break;
    default: break;
    }
}

static void chip_write_many(void *context, uint8_t port, const uint8_t *bytes, uint32_t count)
{
    CHECK(count <= UART_FIFO);
    for (uint32_t i = 0; i < count; i++) {
        chip_write(context, port, bytes[i]);
    }
}

int main(void)
{
    struct uart uart = {chip_read, chip_write, chip_write_many, NULL, 0, 0};
    uint8_t buffer[64];
    chip.absent = true;
    CHECK_EQUAL(uart_init(&uart), TS_ERR_NOT_FOUND);
    chip.absent = false;
    CHECK_EQUAL(uart_init(&uart), TS_OK);
    CHECK(chip.divisor[0] == 1 && chip.divisor[1] == 0 && chip.line == 3 && (chip.modem & 8));
    CHECK(chip.enable & 1);
    // Sending: only into an empty FIFO, at most what it holds.
    CHECK_EQUAL(uart_send(&uart, (const uint8_t *)"hello", 5), 0);
    uart_want_room(&uart, true);
    CHECK(chip.enable & 2);
    chip.room = true;
    memset(buffer, 'x', sizeof(buffer));
    CHECK_EQUAL(uart_send(&uart, buffer, sizeof(buffer)), UART_FIFO);
    CHECK_EQUAL(uart_send(&uart, (const uint8_t *)"hello", 5), 5);
    CHECK_EQUAL(chip.output_count, 21);
    CHECK(uart_drained(&uart));
    uart_want_room(&uart, false);
    CHECK(!(chip.enable & 2));
    // Receiving.
    memcpy(chip.input, "abc", 3);
    chip.input_count = 3;
    chip.overrun = true;
    CHECK(uart_interrupting(&uart));
    CHECK_EQUAL(uart_receive(&uart, buffer, sizeof(buffer)), 3);
    CHECK(memcmp(buffer, "abc", 3) == 0);
    CHECK_EQUAL(uart.overruns, 1);
    CHECK(!uart_interrupting(&uart));
    // A chip that goes away is silent, not an endless stream.
    chip.absent = true;
    CHECK_EQUAL(uart_receive(&uart, buffer, sizeof(buffer)), 0);
    CHECK_EQUAL(uart_send(&uart, buffer, 1), 0);
    CHECK(!uart_interrupting(&uart));
    return 0;
}
