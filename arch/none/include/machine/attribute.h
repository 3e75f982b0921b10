// SPDX-License-Identifier: MIT
// See <arch/attribute.h>. No calling convention but the usual one.
#pragma once

#define ARCH_KEEPS_REGISTERS
