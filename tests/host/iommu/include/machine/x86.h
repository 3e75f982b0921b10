// SPDX-License-Identifier: MIT
// I/O ports of the test's machine: configuration space.
#pragma once

#include <arch/types.h>

void x86_out32(uint16_t port, uint32_t value);
uint32_t x86_in32(uint16_t port);
