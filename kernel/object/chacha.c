// SPDX-License-Identifier: MIT
// See chacha.h.
#include <object/chacha.h>

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

static void quarter_round(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 7);
}

void chacha_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                  uint8_t out_block[CHACHA_BLOCK])
{
    const uint32_t start[16] = {
        0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, // "expand 32-byte k"
        key[0],     key[1],     key[2],     key[3],     key[4],   key[5],
        key[6],     key[7],     counter,    nonce[0],   nonce[1], nonce[2]};
    uint32_t state[16];
    for (unsigned i = 0; i < 16; i++) {
        state[i] = start[i];
    }
    for (unsigned i = 0; i < 10; i++) {
        quarter_round(state, 0, 4, 8, 12);
        quarter_round(state, 1, 5, 9, 13);
        quarter_round(state, 2, 6, 10, 14);
        quarter_round(state, 3, 7, 11, 15);
        quarter_round(state, 0, 5, 10, 15);
        quarter_round(state, 1, 6, 11, 12);
        quarter_round(state, 2, 7, 8, 13);
        quarter_round(state, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < 16; i++) {
        uint32_t word = state[i] + start[i];
        for (unsigned b = 0; b < 4; b++) {
            out_block[4 * i + b] = (uint8_t)(word >> 8 * b);
        }
    }
}
