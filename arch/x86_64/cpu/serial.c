// SPDX-License-Identifier: MIT
// The first serial port (16550), polled.
#include <arch/debug.h>

#include <machine/x86.h>

#define PORT        0x3f8
#define REG_DATA    0
#define REG_ENABLE  1
#define REG_FIFO    2
#define REG_LINE    3
#define REG_MODEM   4
#define REG_STATUS  5
#define REG_SCRATCH 7

#define LINE_8N1       0x03
#define LINE_DIVISOR   0x80
#define FIFO_ON        0xc7
#define MODEM_READY    0x0b
#define STATUS_EMPTY   0x20
#define DIVISOR_115200 1

// At 115,200 bits a second a byte takes 87 µs; no access to a port takes less than a few cycles.
#define WAIT_READS 200000

static bool present;
static unsigned patience = WAIT_READS; // of the next wait

void arch_serial_init(void)
{
    x86_out8(PORT + REG_SCRATCH, 0x5a);
    present = x86_in8(PORT + REG_SCRATCH) == 0x5a;
    if (!present) {
        return;
    }
    x86_out8(PORT + REG_ENABLE, 0);
    x86_out8(PORT + REG_LINE, LINE_DIVISOR);
    x86_out8(PORT + REG_DATA, DIVISOR_115200);
    x86_out8(PORT + REG_ENABLE, 0);
    x86_out8(PORT + REG_LINE, LINE_8N1);
    x86_out8(PORT + REG_FIFO, FIFO_ON);
    x86_out8(PORT + REG_MODEM, MODEM_READY);
}

// False: it takes none.
static bool put(char c)
{
    for (unsigned i = 0; !(x86_in8(PORT + REG_STATUS) & STATUS_EMPTY); i++) {
        if (i == patience) {
            patience = 0;
            return false;
        }
    }
    patience = WAIT_READS;
    x86_out8(PORT + REG_DATA, (uint8_t)c);
    return true;
}

size_t arch_serial_write(const char *text, size_t length)
{
    size_t done = 0;
    while (present && done < length && (text[done] != '\n' || put('\r')) && put(text[done])) {
        done++;
    }
    return present ? done : length;
}
