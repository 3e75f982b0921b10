// SPDX-License-Identifier: MIT
// See <arch/attribute.h>: the host is a machine of the same kind.
#pragma once

#define ARCH_KEEPS_REGISTERS __attribute__((preserve_most))
