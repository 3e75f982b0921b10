// SPDX-License-Identifier: MIT
#pragma once

#include <arch/types.h>

void x86_out32(uint16_t port, uint32_t value);
uint32_t x86_in32(uint16_t port);
