// SPDX-License-Identifier: MIT
// What the machine layer asks of processes and devices. See arch/hooks.h.
#include <arch/hooks.h>

#include <base/statistics.h>
#include <mm/address_space.h>
#include <object/device_hold.h>
#include <object/domain.h>
#include <object/exception.h>
#include <object/interrupt.h>
#include <object/reaper.h>

// Memory that is about to be freed is waited for, once.
ts_status_t kernel_page_fault(vaddr_t address, unsigned fault)
{
    statistics_add(STATISTIC_FAULTS, 1);
    ts_status_t status = space_fault_current(address, fault);
    return reaper_wait(status) ? space_fault_current(address, fault) : status;
}

void user_exception(struct arch_frame *frame, uint32_t vector, uint64_t error, vaddr_t address)
{
    exception_end_process(frame, vector, error, address);
}

ts_status_t dma_table_alloc(struct device_hold *owner, paddr_t *out_page)
{
    return hold_table_alloc(owner, out_page);
}

void dma_table_free(struct device_hold *owner, paddr_t page)
{
    hold_table_free(owner, page);
}

void kernel_dma_fault(const struct dma_fault *fault)
{
    domain_fault(fault);
}

void kernel_interrupt(uint32_t interrupt)
{
    interrupt_came(interrupt);
}
