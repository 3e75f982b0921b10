// SPDX-License-Identifier: MIT
// The sum of 16-bit words with its carries added back is the same, folded, as that of 64-bit words,
// in the order in which they lie in memory: words of eight bytes, one addition with carry each.
#include "checksum.h"

#include <stddef.h>
#include <string.h>

#define STEP 256u // bytes that are added before the carry is put aside

struct sum {
    uint64_t words, carries;
};

static inline void add_words(struct sum *sum, const uint8_t *at, unsigned bytes)
{
    unsigned long long carry = 0;
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < bytes; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, sizeof(word));
        sum->words = __builtin_addcll(sum->words, word, carry, &carry);
    }
    sum->carries += carry;
}

// Adds so many bytes, a power of two, if `left` has that bit.
static inline const uint8_t *add_part(struct sum *sum, const uint8_t *at, size_t left,
                                      unsigned bytes)
{
    if ((left & bytes) == 0) {
        return at;
    }
    add_words(sum, at, bytes);
    return at + bytes;
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
    if ((left & 1) != 0) {
        memcpy(&sum, at, 1);
    }
    return sum + two + four;
}

uint16_t platform_checksum(const void *data, int length)
{
    const uint8_t *at = data;
    size_t left = (size_t)length;
    struct sum sum = {0, 0};
    for (; left >= STEP; left -= STEP, at += STEP) {
        add_words(&sum, at, STEP);
    }
    at = add_part(&sum, at, left, 128);
    at = add_part(&sum, at, left, 64);
    at = add_part(&sum, at, left, 32);
    at = add_part(&sum, at, left, 16);
    at = add_part(&sum, at, left, 8);
    // Halves of words, each with room for its carries.
    uint64_t folded = (sum.words & UINT32_MAX) + (sum.words >> 32);
    folded += sum.carries + last_word(at, left);
    folded = (folded & 0xffff) + (folded >> 16 & 0xffff) + (folded >> 32);
    folded = (folded & 0xffff) + (folded >> 16);
    return (uint16_t)((folded & 0xffff) + (folded >> 16));
}
