// SPDX-License-Identifier: MIT
// lwIP's checksum: the longest loop of the stack where the card does not sum.
#pragma once

#include <stdint.h>

// The Internet checksum's sum (RFC 1071) of `length` bytes at any address, not inverted, as it lies
// in memory. lwIP's LWIP_CHKSUM.
uint16_t platform_checksum(const void *data, int length);
