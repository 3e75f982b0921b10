// SPDX-License-Identifier: MIT
// Defaults of <arch/hooks.h> for a kernel in which the part that owns the hook is not linked.
#include <arch/hooks.h>

#include <arch/boot.h>
#include <cpu.h>
#include <panic.h>
#include <tessera/abi/status.h>

#define WEAK __attribute__((weak))

WEAK ts_status_t page_table_alloc(struct arch_space *space, paddr_t *out_page)
{
    (void)space;
    *out_page = boot_page_alloc(PAGE_SIZE, PAGE_SIZE);
    return TS_OK;
}

WEAK void page_table_free(struct arch_space *space, paddr_t page)
{
    (void)space, (void)page;
}

WEAK ts_status_t kernel_page_alloc(paddr_t *out_page)
{
    *out_page = boot_page_alloc(PAGE_SIZE, PAGE_SIZE);
    return TS_OK;
}

WEAK void kernel_page_free(paddr_t page)
{
    (void)page;
}

WEAK void syscall_entry(struct arch_frame *frame)
{
    arch_frame_set_result(frame, TS_ERR_UNSUPPORTED, 0);
}

WEAK void kernel_exit_work(struct arch_frame *frame)
{
    (void)frame;
    cpu_current()->need_resched = 0;
}

WEAK void kernel_preempt(void)
{
    cpu_current()->need_resched = 0;
}

WEAK ts_status_t kernel_page_fault(vaddr_t address, unsigned fault)
{
    (void)address, (void)fault;
    return TS_ERR_FAULT;
}

WEAK void user_exception(struct arch_frame *frame, uint32_t vector, uint64_t error, vaddr_t address)
{
    panic_frame(frame, "exception %u of a program, error %#lx, address %#lx", vector,
                (unsigned long)error, (unsigned long)address);
}

WEAK void kernel_interrupt(uint32_t interrupt)
{
    (void)interrupt;
}

WEAK void kernel_timer(void)
{}
