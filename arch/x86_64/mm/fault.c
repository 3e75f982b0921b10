// SPDX-License-Identifier: MIT
// Page faults: a program's, a user copy's, or the kernel's own (which is a panic).
#include <arch/hooks.h>

#include <arch/cpu.h>
#include <machine/descriptors.h>
#include <machine/paging.h>
#include <machine/x86.h>
#include <panic.h>
#include <tessera/abi/status.h>

#define ERROR_PRESENT 0x01u
#define ERROR_WRITE   0x02u
#define ERROR_USER    0x04u
#define ERROR_FETCH   0x10u
#define ERROR_KNOWN   (ERROR_PRESENT | ERROR_WRITE | ERROR_USER | ERROR_FETCH)

extern const struct {
    uint64_t at, to;
} kernel_extable_start[], kernel_extable_end[];

static uint64_t fixup_find(uint64_t rip)
{
    for (size_t i = 0; &kernel_extable_start[i] < kernel_extable_end; i++) {
        if (kernel_extable_start[i].at == rip) {
            return kernel_extable_start[i].to;
        }
    }
    return 0;
}

bool fault_fixup(struct arch_frame *frame)
{
    uint64_t to = fixup_find(frame->rip);
    if (to) {
        frame->rip = to;
    }
    return to;
}

static unsigned fault_flags(uint64_t error)
{
    return (error & ERROR_WRITE ? ARCH_FAULT_WRITE : 0) |
           (error & ERROR_FETCH ? ARCH_FAULT_EXECUTE : 0) |
           (error & ERROR_PRESENT ? ARCH_FAULT_PRESENT : 0);
}

// Whether page tables can have to do with it. Any other bit is about reserved bits, keys, shadow
// stacks or enclaves. An access of the machine's own for user code (not USER: to a descriptor
// table, say) goes to the kernel's addresses, where it does not fault; QEMU without hardware
// acceleration reads the stack of a user iretq and lretq so, and SMAP then refuses it for ever.
static bool user_resolvable(uint64_t error)
{
    return (error & ~(uint64_t)(ERROR_PRESENT | ERROR_WRITE | ERROR_FETCH)) == ERROR_USER;
}

static void user_fault(struct arch_frame *frame, vaddr_t address)
{
    arch_irq_enable();
    if (!user_resolvable(frame->error) ||
        kernel_page_fault(address, fault_flags(frame->error)) != TS_OK) {
        user_exception(frame, EXCEPTION_PAGE_FAULT, frame->error, address);
    }
    arch_irq_disable();
}

void page_fault(struct arch_frame *frame, vaddr_t address)
{
    if (arch_frame_is_user(frame)) {
        user_fault(frame, address);
        return;
    }
    if (!arch_user_range_ok(address, 1) || !fixup_find(frame->rip)) {
        panic_frame(frame, "page fault at %#lx", (unsigned long)address);
    }
    // A user copy. Where interrupts are off nothing can be resolved: <arch/user.h>.
    ts_status_t status = TS_ERR_FAULT;
    if ((frame->rflags & RFLAGS_IF) && (frame->error & ~(uint64_t)ERROR_KNOWN) == 0) {
        arch_irq_enable();
        status = kernel_page_fault(address, fault_flags(frame->error) | ARCH_FAULT_COPY);
        arch_irq_disable();
    }
    if (status != TS_OK) {
        fault_fixup(frame);
    }
}
