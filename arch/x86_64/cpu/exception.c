// SPDX-License-Identifier: MIT
// Where all interrupts and exceptions arrive from entry.S.
#include <arch/debug.h>
#include <arch/hooks.h>

#include <arch/cpu.h>
#include <arch/smp.h>
#include <cpu.h>
#include <machine/apic.h>
#include <machine/descriptors.h>
#include <machine/iommu.h>
#include <machine/paging.h>
#include <machine/x86.h>
#include <panic.h>
#include <string.h>

static const char *const names[32] = {"division error",
                                      "debug",
                                      "NMI",
                                      "breakpoint",
                                      "overflow",
                                      "bound",
                                      "invalid opcode",
                                      "device not available",
                                      "double fault",
                                      "coprocessor overrun",
                                      "invalid TSS",
                                      "segment not present",
                                      "stack fault",
                                      "general protection",
                                      "page fault",
                                      "reserved 15",
                                      "x87 error",
                                      "alignment check",
                                      "machine check",
                                      "SIMD error",
                                      "virtualisation",
                                      "control protection",
                                      "reserved 22",
                                      "reserved 23",
                                      "reserved 24",
                                      "reserved 25",
                                      "reserved 26",
                                      "reserved 27",
                                      "hypervisor",
                                      "VMM communication",
                                      "security",
                                      "reserved 31"};

void interrupt_dispatch(struct arch_frame *frame);
void paranoid_dispatch(struct arch_frame *frame);
struct arch_frame *iret_fault(const struct arch_frame *fault);

static void exception(struct arch_frame *frame)
{
    uint32_t vector = (uint32_t)frame->vector;
    if (vector == EXCEPTION_PAGE_FAULT) {
        page_fault(frame, x86_read_cr2());
    } else if (vector == EXCEPTION_NMI || vector == EXCEPTION_DOUBLE_FAULT ||
               vector == EXCEPTION_MACHINE_CHECK) { // no program's doing, though one was running
        paranoid_dispatch(frame);
    } else if (arch_frame_is_user(frame)) {
        arch_irq_enable();
        user_exception(frame, vector, frame->error, 0);
        arch_irq_disable();
    } else if (!fault_fixup(frame)) {
        panic_frame(frame, "%s in the kernel", names[vector]);
    }
}

static void interrupt(uint32_t vector)
{
    struct cpu *cpu = cpu_current();
    quiesce_note(); // an interrupt is only taken where interrupts are on
    switch (vector) {
    case VECTOR_TIMER:
        apic_end_of_interrupt();
        kernel_timer();
        break;
    case VECTOR_RESCHED: // the way out looks at need_resched
    case VECTOR_QUIESCE: apic_end_of_interrupt(); break;
    case VECTOR_FLUSH:
        apic_end_of_interrupt();
        arch_smp_serve();
        break;
    case VECTOR_DMA_FAULT:
        apic_end_of_interrupt();
        iommu_interrupt();
        break;
    case VECTOR_SPURIOUS: cpu->arch.spurious++; break;
    default:
        if (vector >= VECTOR_DEVICE && vector < VECTOR_TIMER) {
            device_interrupt(vector);
        } else {
            cpu->arch.spurious++; // the old controllers', which are masked, or nobody's
        }
    }
}

// The IRETQ to user mode has faulted. `fault` has the program's registers and the exception; what
// IRETQ was to load is at its rsp, where a frame of the program's ends. Makes that frame anew,
// which overlaps with `fault`, and returns it.
struct arch_frame *iret_fault(const struct arch_frame *fault)
{
    struct arch_frame *frame = arch_thread_frame(cpu_current()->machine_thread);
    KREQUIRE(fault->rsp == (uint64_t)&frame->rip);
    memmove(frame, fault, offsetof(struct arch_frame, rip));
    return frame;
}

static void dispatch(struct arch_frame *frame)
{
    if (frame->vector < 32) {
        exception(frame);
        return;
    }
    interrupt((uint32_t)frame->vector);
    if (!arch_frame_is_user(frame) &&
        atomic_load_explicit(&cpu_current()->need_resched, memory_order_relaxed)) {
        kernel_preempt();
    }
}

void interrupt_dispatch(struct arch_frame *frame)
{
    bool on = frame->rflags & RFLAGS_IF; // they were until now
    if (on) {
        section_begin();
    }
    dispatch(frame);
    if (on && !arch_frame_is_user(frame)) {
        section_end();
    }
}

// On a stack of its own, maybe in the midst of an entry: no locks, no user memory.
void paranoid_dispatch(struct arch_frame *frame)
{
    switch (frame->vector) {
    case EXCEPTION_NMI:
        if (panic_active()) {
            arch_stop_here();
        }
        cpu_current()->arch.spurious++;
        break;
    case EXCEPTION_DEBUG:
        // Programs have no debug registers; what they can cause is a pending single step that
        // lands on the first instruction of the kernel. It means nothing.
        break;
    case EXCEPTION_DOUBLE_FAULT:
        panic_frame(frame, "double fault, address %#lx%s", (unsigned long)x86_read_cr2(),
                    (x86_read_cr2() ^ frame->rsp) < 2 * PAGE_SIZE ? ": kernel stack overflow" : "");
    default: panic_frame(frame, "%s", names[frame->vector & 31]);
    }
}

void arch_frame_print(const struct arch_frame *f, void (*print)(const char *format, ...))
{
    if (f->vector < 32) {
        print("exception %lu (%s), error %#lx, address %#lx\n", f->vector, names[f->vector],
              f->error, x86_read_cr2());
    }
    print("rip %016lx rsp %016lx flags %08lx cs %02lx\n", f->rip, f->rsp, f->rflags, f->cs);
    print("rax %016lx rbx %016lx rcx %016lx\n", f->rax, f->rbx, f->rcx);
    print("rdx %016lx rsi %016lx rdi %016lx\n", f->rdx, f->rsi, f->rdi);
    print("rbp %016lx r8  %016lx r9  %016lx\n", f->rbp, f->r8, f->r9);
    print("r10 %016lx r11 %016lx r12 %016lx\n", f->r10, f->r11, f->r12);
    print("r13 %016lx r14 %016lx r15 %016lx\n", f->r13, f->r14, f->r15);
    print("cr3 %016lx cr4 %08lx\n", x86_read_cr3(), x86_read_cr4());
}
