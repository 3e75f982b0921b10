// SPDX-License-Identifier: MIT
// CRC-32C, eight bytes at a time (Kounavis and Berry, "A systematic approach to building high
// performance, software-based, CRC generators", 2005): table[n][b] is what byte b does to the sum
// with n zero bytes behind it. The tables are made of the reflected polynomial when they are first
// wanted, so there is nothing to mistype, nothing in the image, and little to do.
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <tessera/format/archive.h>

#define POLYNOMIAL 0x82f63b78u

static uint32_t table[8][256];
static bool table_made;

static void table_make(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (POLYNOMIAL & -(crc & 1));
        }
        table[0][byte] = crc;
    }
    for (uint32_t slice = 1; slice < 8; slice++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = table[slice - 1][byte];
            table[slice][byte] = crc >> 8 ^ table[0][crc & 0xff];
        }
    }
    // Threads that make them at the same time write the same. Pairs with the load below.
    atomic_store_explicit(TS_ATOMIC(&table_made), true, memory_order_release);
}

static uint32_t eight_bytes(uint32_t crc, const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word)); // the least significant byte is the first
    word ^= crc;
    return table[7][word & 0xff] ^ table[6][word >> 8 & 0xff] ^ table[5][word >> 16 & 0xff] ^
           table[4][word >> 24 & 0xff] ^ table[3][word >> 32 & 0xff] ^ table[2][word >> 40 & 0xff] ^
           table[1][word >> 48 & 0xff] ^ table[0][word >> 56];
}

uint32_t ts_crc32c(uint32_t crc, const void *bytes, size_t length)
{
    const uint8_t *next = bytes;
    if (!atomic_load_explicit(TS_ATOMIC(&table_made), memory_order_acquire)) {
        table_make();
    }
    crc = ~crc;
    for (; length >= 8; next += 8, length -= 8) {
        crc = eight_bytes(crc, next);
    }
    for (; length > 0; next++, length--) {
        crc = crc >> 8 ^ table[0][(crc ^ *next) & 0xff];
    }
    return ~crc;
}
