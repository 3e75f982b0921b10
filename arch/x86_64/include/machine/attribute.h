// SPDX-License-Identifier: MIT
// See <arch/attribute.h>.
#pragma once

#define ARCH_KEEPS_REGISTERS __attribute__((preserve_most))
