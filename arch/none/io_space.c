// SPDX-License-Identifier: MIT
// All registers of devices are in memory.
#include <arch/io_space.h>

#include <tessera/abi/status.h>

uint64_t arch_io_space_size(void)
{
    return 0;
}

ts_status_t arch_io_read(uint64_t address, unsigned width, uint32_t *out_value)
{
    return TS_ERR_ARGUMENT;
}

ts_status_t arch_io_write(uint64_t address, unsigned width, uint32_t value)
{
    return TS_ERR_ARGUMENT;
}
