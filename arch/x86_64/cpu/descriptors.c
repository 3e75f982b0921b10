// SPDX-License-Identifier: MIT
#include <machine/descriptors.h>

#include <machine/x86.h>

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

#define GATE_INTERRUPT 0x8e // present, interrupts off on entry
#define GATE_USER      0x60 // may be raised by INT n in user mode

#define SEGMENT_KERNEL_CODE UINT64_C(0x00af9b000000ffff)
#define SEGMENT_KERNEL_DATA UINT64_C(0x00cf93000000ffff)
#define SEGMENT_USER_DATA   UINT64_C(0x00cff3000000ffff)
#define SEGMENT_USER_CODE   UINT64_C(0x00affb000000ffff)

#define ENTRY_SIZE 16

extern char interrupt_entries[]; // entry.S: 256 entries of ENTRY_SIZE bytes

static struct gate gates[256] __attribute__((aligned(16)));

static void gate_set(unsigned vector, unsigned ist, unsigned type)
{
    uint64_t entry = (uint64_t)interrupt_entries + vector * ENTRY_SIZE;
    gates[vector] = (struct gate){
        .offset_low = (uint16_t)entry,
        .selector = SELECTOR_KERNEL_CODE,
        .ist = (uint8_t)ist,
        .type = (uint8_t)type,
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

void gates_init(void)
{
    for (unsigned i = 0; i < 256; i++) {
        gate_set(i, 0, GATE_INTERRUPT);
    }
    gate_set(EXCEPTION_BREAKPOINT, 0, GATE_INTERRUPT | GATE_USER);
    gate_set(EXCEPTION_DEBUG, IST_DEBUG, GATE_INTERRUPT);
    gate_set(EXCEPTION_NMI, IST_NMI, GATE_INTERRUPT);
    gate_set(EXCEPTION_DOUBLE_FAULT, IST_DOUBLE_FAULT, GATE_INTERRUPT);
    gate_set(EXCEPTION_MACHINE_CHECK, IST_MACHINE_CHECK, GATE_INTERRUPT);
}

// Where the canary is read from changes in the midst of it.
__attribute__((no_stack_protector)) void descriptors_load(struct cpu *cpu)
{
    struct tss *tss = &cpu->arch.tss;
    tss->io_bitmap = sizeof(*tss); // none: all ports are forbidden to user mode
    tss->rsp[0] = cpu->switch_stack;

    uint64_t base = (uint64_t)tss;
    uint64_t *gdt = cpu->arch.gdt;
    gdt[0] = 0;
    gdt[SELECTOR_KERNEL_CODE / 8] = SEGMENT_KERNEL_CODE;
    gdt[SELECTOR_KERNEL_DATA / 8] = SEGMENT_KERNEL_DATA;
    // Where SYSRET would look for 32-bit code: there is none. So nobody minds that AMD's SYSRET
    // leaves SS's hidden attributes as the last interrupt set them: 64-bit code ignores those.
    gdt[3] = 0;
    gdt[SELECTOR_USER_DATA / 8] = SEGMENT_USER_DATA;
    gdt[SELECTOR_USER_CODE / 8] = SEGMENT_USER_CODE;
    gdt[SELECTOR_TSS / 8] = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
                            (base >> 24 & 0xff) << 56;
    gdt[SELECTOR_TSS / 8 + 1] = base >> 32;

    struct table_pointer gdt_pointer = {sizeof(cpu->arch.gdt) - 1, (uint64_t)gdt};
    struct table_pointer idt_pointer = {sizeof(gates) - 1, (uint64_t)gates};
    __asm__ volatile("lgdt %0\n"
                     "pushq %2\n"
                     "leaq 1f(%%rip), %%rax\n"
                     "pushq %%rax\n"
                     "lretq\n"
                     "1: movl %3, %%eax\n"
                     "movl %%eax, %%ss\n"
                     "xorl %%eax, %%eax\n"
                     "movl %%eax, %%ds\n"
                     "movl %%eax, %%es\n"
                     "movl %%eax, %%fs\n"
                     "movl %%eax, %%gs\n"
                     "lldt %%ax\n" // none: a selector into it is a fault
                     "lidt %1\n"
                     "movw %4, %%ax\n"
                     "ltr %%ax\n"
                     :
                     : "m"(gdt_pointer), "m"(idt_pointer), "i"(SELECTOR_KERNEL_CODE),
                       "i"(SELECTOR_KERNEL_DATA), "i"(SELECTOR_TSS)
                     : "rax", "memory");
    x86_wrmsr(MSR_FS_BASE, 0);
    x86_wrmsr(MSR_GS_BASE, (uint64_t)cpu);
    x86_wrmsr(MSR_KERNEL_GS, 0); // becomes the user's
}
