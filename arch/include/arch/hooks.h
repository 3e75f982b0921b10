// SPDX-License-Identifier: MIT
// What the machine layer calls in the generic kernel, which lies above it: each is defined once, in
// a file whose name ends in _hooks.c (tools/check rooms).
#pragma once

#include <tessera/abi/types.h>
#include <arch/frame.h>
#include <arch/space.h>
#include <arch/types.h>

struct cpu;
struct device_hold;

// kernel/init: as soon as devices can be mapped, on the first CPU, interrupts off: from here on
// people see what is logged. There is no clock yet, and one CPU.
void kernel_early(void);

// kernel/init: the first CPU, on its boot stack, interrupts off. Per-CPU data, kernel page tables,
// interrupt controllers and the clock work; the early allocator still does.
_Noreturn void kernel_main(void);

// kernel/init: a further CPU, on its boot stack, interrupts off. cpu_current() works.
_Noreturn void kernel_cpu_main(void);

// kernel/mm: a zeroed page for a table of `space` (&kernel space for the kernel's own), and back.
// Any error is passed on to the caller that asked for the mapping. Interrupts may be off.
TS_MUST_USE ts_status_t page_table_alloc(struct arch_space *space, paddr_t *out_page);
void page_table_free(struct arch_space *space, paddr_t page);

// kernel/mm: a page for kernel stacks, not zeroed, and back.
TS_MUST_USE ts_status_t kernel_page_alloc(paddr_t *out_page);
void kernel_page_free(paddr_t page);

// kernel/syscall: a system call. Interrupts are off; the frame is the current thread's. Returning
// returns to user mode with the frame's results. It may end in arch_thread_resume() or
// arch_thread_return() instead.
void syscall_entry(struct arch_frame *frame);

// kernel/sched: called with interrupts off on the way to user mode while the CPU's need_resched is
// not 0; clears it, and does what it stands for (it may not return, or later). Called again until
// it is 0.
void kernel_exit_work(struct arch_frame *frame);

// kernel/sched: called at the end of an interrupt that came in preemptible kernel code (interrupts
// were on) while need_resched is not 0. Interrupts off. May arch_thread_switch() away; clears
// need_resched. Also called in idle CPUs.
void kernel_preempt(void);

// kernel/object: a page fault on a user address, by user code or by a user copy of the kernel.
// TS_OK: the page is there now, try again. Else the fault stands: the program gets
// user_exception(), the copy TS_ERR_FAULT. It stands too when the same fault comes again and again
// although the page is there and permits it, and for a copy of a thread that is to end. Interrupts
// on; may be preempted.
#define ARCH_FAULT_WRITE   1u
#define ARCH_FAULT_EXECUTE 2u
#define ARCH_FAULT_PRESENT 4u // a protection was violated, rather than nothing mapped
#define ARCH_FAULT_COPY    8u // by a user copy of the kernel
TS_MUST_USE ts_status_t kernel_page_fault(vaddr_t address, unsigned fault);

// kernel/object: a program caused an exception that nobody resolves. `vector`, `error`: the
// machine's; `address`: where, for faults on memory, else 0. Interrupts on. Returning lets the
// program go on (the frame may have been changed).
void user_exception(struct arch_frame *frame, uint32_t vector, uint64_t error, vaddr_t address);

// kernel/object: a zeroed page for a table of what a device reaches (<arch/iommu.h>), and
// back. Any error is passed on to the caller that asked for the mapping. Interrupts may be off.
TS_MUST_USE ts_status_t dma_table_alloc(struct device_hold *owner, paddr_t *out_page);
void dma_table_free(struct device_hold *owner, paddr_t page);

// kernel/object: a device reached for what it may not, and was stopped; it reaches nothing until it
// is admitted again. Interrupts off, no lock held.
struct dma_fault {
    uint64_t device;    // segment << 16 | bus << 8 | device << 3 | function
    uint64_t admission; // with which it was admitted (<arch/iommu.h>) until this; 0: it was not
    uint64_t address;   // of the page on the bus; of a message: what the hardware says of it
    uint32_t reason;    // the hardware's number
    bool write, message;
};
void kernel_dma_fault(const struct dma_fault *fault);

// kernel/object: a device interrupt; kernel/sched: this CPU's timer. Interrupts off, on whatever
// stack; must not block nor switch: they set need_resched.
void kernel_interrupt(uint32_t interrupt);
void kernel_timer(void);
