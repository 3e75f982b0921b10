// SPDX-License-Identifier: MIT
// Machine I/O ports, for the objects through which drivers reach the ports they own. `width` is 1,
// 2 or 4 bytes; anything else, or a port that exceeds 16 bits with its width, is TS_ERR_ARGUMENT.
#pragma once

#include <tessera/abi/types.h>
#include <arch/types.h>

TS_MUST_USE ts_status_t arch_io_read(uint32_t port, unsigned width, uint32_t *out_value);
TS_MUST_USE ts_status_t arch_io_write(uint32_t port, unsigned width, uint32_t value);
