// SPDX-License-Identifier: MIT
// No interrupt lines, and no messages.
#include <arch/interrupt.h>

#include <tessera/abi/status.h>

ts_status_t arch_interrupt_line(uint32_t line, unsigned flags, uint32_t cpu,
                                uint32_t *out_interrupt)
{
    return TS_ERR_RANGE;
}

ts_status_t arch_interrupt_message(uint32_t device, uint32_t cpu, uint32_t *out_interrupt,
                                   uint64_t *out_address, uint32_t *out_data)
{
    return TS_ERR_LIMIT;
}

void arch_interrupt_free(uint32_t interrupt)
{}

void arch_interrupt_mask(uint32_t interrupt)
{}

void arch_interrupt_unmask(uint32_t interrupt)
{}

uint32_t arch_interrupt_line_count(void)
{
    return 0;
}
