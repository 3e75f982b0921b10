// SPDX-License-Identifier: MIT
// SipHash-2-4: a keyed hash whose values cannot be predicted without the key. Follows the paper of
// Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), section 2.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_KEY_SIZE 16u

uint64_t hash_bytes(const uint8_t key[HASH_KEY_SIZE], const void *bytes, size_t length);
