// SPDX-License-Identifier: MIT
// The machine's I/O space: addresses of device registers that are not in memory, for the objects
// through which drivers reach the registers they own.
#pragma once

#include <tessera/abi/types.h>
#include <arch/types.h>

// How many addresses there are, from 0; 0: all devices are in memory.
uint64_t arch_io_space_size(void);

// `width` is 1, 2 or 4 bytes; anything else, or an access that does not lie inside, is
// TS_ERR_ARGUMENT.
TS_MUST_USE ts_status_t arch_io_read(uint64_t address, unsigned width, uint32_t *out_value);
TS_MUST_USE ts_status_t arch_io_write(uint64_t address, unsigned width, uint32_t value);
