// SPDX-License-Identifier: MIT
#include <arch/debug.h>

#include <arch/memory.h>
#include <arch/thread.h>
#include <machine/paging.h>
#include <machine/x86.h>
#include <tessera/abi/status.h>
#include <tessera/machine/frame.h>

// Whether a stack frame's two words can be read: in the image's data or the window, and mapped.
// Looked up in the tables, since a panic must not fault.
static bool readable(uint64_t address)
{
    if ((address & 7) || address > UINT64_MAX - 16) {
        return false;
    }
    if (address >= KERNEL_IMAGE_BASE) {
        extern char kernel_data_start[], kernel_data_end[];
        return address >= (uint64_t)kernel_data_start && address + 16 <= (uint64_t)kernel_data_end;
    }
    return address >= KERNEL_WINDOW_BASE && address + 16 <= KERNEL_WINDOW_END &&
           (address & PAGE_MASK) <= PAGE_SIZE - 16 &&
           arch_space_query(&kernel_space, address, NULL, NULL) == TS_OK;
}

unsigned arch_backtrace(const struct arch_frame *frame, uint64_t *out_addresses, unsigned max)
{
    unsigned count = 0;
    uint64_t base = (uint64_t)__builtin_frame_address(0);
    if (frame != NULL) {
        base = frame->rbp;
        if (count < max) {
            out_addresses[count++] = frame->rip;
        }
    }
    while (count < max && readable(base)) {
        const struct ts_frame *link = (const struct ts_frame *)base;
        if (link->pc < KERNEL_IMAGE_BASE) {
            break;
        }
        out_addresses[count++] = link->pc;
        // Frames only go up, so that this ends, and by less than a stack: the first link of an
        // entry is the program's RBP, which may name anything, another thread's stack too.
        if (link->next <= base || link->next - base >= KERNEL_STACK_SIZE) {
            break;
        }
        base = link->next;
    }
    return count;
}
