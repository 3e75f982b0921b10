// SPDX-License-Identifier: MIT
// The ChaCha20 block function (RFC 8439, 2.3). Pure.
#pragma once

#include <stdint.h>

#define CHACHA_BLOCK 64u
#define CHACHA_KEY   32u

// Writes the block of a key (8 words), a counter and a nonce (3 words). Words are little-endian in
// the output.
void chacha_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                  uint8_t out_block[CHACHA_BLOCK]);
