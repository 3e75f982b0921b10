// SPDX-License-Identifier: MIT
// The sum of 16-bit words with its carries added back is the same, folded, as that of 64-bit words,
// in the order in which they lie in memory: words of eight bytes, one addition with carry each.
#include "checksum.h"

#include <stddef.h>
#include <string.h>

#define STEP 64u // bytes that are added before the carry is put back

static uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static uint64_t add(uint64_t a, uint64_t b)
{
    unsigned long long carry;
    uint64_t sum = __builtin_addcll(a, b, 0, &carry);
    return sum + carry; // cannot carry again: a + b is at most twice the most
}

static uint64_t add_step(uint64_t sum, const uint8_t *at)
{
    unsigned long long carry = 0;
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < STEP; i += 8)
        sum = __builtin_addcll(sum, word_at(at + i), carry, &carry);
    return add(sum, carry);
}

// The last bytes, fewer than eight, as if zeros followed them.
static uint64_t last_word(const uint8_t *at, size_t left)
{
    uint32_t four = 0;
    uint16_t two = 0;
    uint64_t sum = 0;
    if ((left & 4) != 0) {
        memcpy(&four, at, sizeof(four));
        at += sizeof(four);
    }
    if ((left & 2) != 0) {
        memcpy(&two, at, sizeof(two));
        at += sizeof(two);
    }
    if ((left & 1) != 0)
        memcpy(&sum, at, 1);
    return sum + two + four;
}

uint16_t platform_checksum(const void *data, int length)
{
    const uint8_t *at = data;
    size_t left = (size_t)length;
    uint64_t sum = 0;
    for (; left >= STEP; left -= STEP, at += STEP)
        sum = add_step(sum, at);
    for (; left >= 8; left -= 8, at += 8)
        sum = add(sum, word_at(at));
    sum = add(sum, last_word(at, left));
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}
