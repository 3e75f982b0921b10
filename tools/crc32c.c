// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli, reflected, as iSCSI has it) for tools/mkarchive.py, which loads this as a
// shared library: a disk of some hundred MB is checksummed in a second instead of minutes.
#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t length);

static uint32_t table[8][256];

__attribute__((constructor)) static void table_init(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
        }
        table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (int slice = 1; slice < 8; slice++) {
            table[slice][byte] =
                (table[slice - 1][byte] >> 8) ^ table[0][table[slice - 1][byte] & 0xff];
        }
    }
}

// Continues `crc` (0 for the first piece) over `length` bytes.
uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t length)
{
    crc = ~crc;
    for (; length >= 8; data += 8, length -= 8) {
        uint32_t low = crc ^ ((uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
                              (uint32_t)data[3] << 24);
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^
              table[0][data[7]];
    }
    for (; length > 0; data++, length--) {
        crc = (crc >> 8) ^ table[0][(crc ^ *data) & 0xff];
    }
    return ~crc;
}
