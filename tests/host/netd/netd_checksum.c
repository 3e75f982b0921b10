// SPDX-License-Identifier: MIT
// The stack's checksum against the sum as RFC 1071 defines it, at all alignments and lengths.
#include "checksum.h"

#include <stdlib.h>
#include <string.h>

#include "tests/host/check.h"

static uint16_t by_definition(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += i % 2 == 0 ? bytes[i] : (uint64_t)bytes[i] << 8;
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static void check(const uint8_t *bytes, size_t length)
{
    uint16_t right = by_definition(bytes, length), sum = platform_checksum(bytes, (int)length);
    CHECK_EQUAL(sum, right);
}

// Each length in a block of its own, so that the sanitizer sees a byte read too many.
static void test_fill(int fill)
{
    for (size_t length = 0; length <= 1600; length++) {
        size_t offset = length % 9;
        uint8_t *block = malloc(offset + length);
        for (size_t i = 0; i < offset + length; i++) {
            block[i] = fill < 0 ? (uint8_t)rand() : (uint8_t)fill;
        }
        check(block + offset, length);
        free(block);
    }
}

int main(void)
{
    srand(1);
    test_fill(0);
    test_fill(0xff); // carries everywhere
    test_fill(1);
    for (unsigned round = 0; round < 5; round++) {
        test_fill(-1);
    }
    uint8_t *most = malloc(65535);
    memset(most, 0xff, 65535);
    check(most, 65535);
    free(most);
    return 0;
}
