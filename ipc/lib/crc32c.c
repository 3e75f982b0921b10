// SPDX-License-Identifier: MIT
// CRC-32C, four bits at a time: the table has 16 entries and is made of the reflected polynomial
// 0x82f63b78 by itself, so there is nothing to mistype.
#include <tessera/lib/archive.h>

#define STEP(c)    ((c) >> 1 ^ (0x82f63b78u & -((c)&1u)))
#define ENTRY(n)   STEP(STEP(STEP(STEP((uint32_t)(n)))))
#define ENTRIES(n) ENTRY(n), ENTRY((n) + 1), ENTRY((n) + 2), ENTRY((n) + 3)

static const uint32_t table[16] = {ENTRIES(0), ENTRIES(4), ENTRIES(8), ENTRIES(12)};

uint32_t ts_crc32c(uint32_t crc, const void *bytes, size_t length)
{
    const uint8_t *next = bytes;
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= next[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
