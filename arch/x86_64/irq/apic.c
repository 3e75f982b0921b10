// SPDX-License-Identifier: MIT
// The local APIC, by memory (xAPIC) or by MSRs (x2APIC) where the CPU has those.
#include <machine/apic.h>

#include <arch/cpu.h>
#include <arch/memory.h>
#include <log.h>
#include <machine/acpi.h>
#include <machine/descriptors.h>
#include <machine/features.h>
#include <machine/x86.h>
#include <panic.h>

#define REG_ID        0x020u
#define REG_TASK      0x080u
#define REG_EOI       0x0b0u
#define REG_SPURIOUS  0x0f0u
#define REG_COMMAND   0x300u
#define REG_TARGET    0x310u
#define REG_LVT_TIMER 0x320u
#define REG_LVT_LINT0 0x350u
#define REG_LVT_LINT1 0x360u
#define REG_LVT_ERROR 0x370u
#define REG_TIMER_DIV 0x3e0u

#define BASE_ENABLE  (UINT64_C(1) << 11)
#define BASE_X2APIC  (UINT64_C(1) << 10)
#define BASE_ADDRESS UINT64_C(0x000ffffffffff000)

#define SPURIOUS_ENABLE 0x100u
#define LVT_MASKED      0x10000u
#define LVT_NMI         0x400u
#define TIMER_DEADLINE  0x40000u
#define TIMER_DIV_1     0xbu

#define COMMAND_NMI     0x0400u
#define COMMAND_INIT    0x0500u
#define COMMAND_STARTUP 0x0600u
#define COMMAND_PENDING 0x1000u
#define COMMAND_ASSERT  0x4000u

#define PIC_MASTER 0x20
#define PIC_SLAVE  0xa0

static volatile char *registers; // xAPIC
static bool x2apic;

uint32_t apic_read(uint32_t reg)
{
    return x2apic ? (uint32_t)x86_rdmsr(MSR_X2APIC + (reg >> 4))
                  : *(volatile uint32_t *)(registers + reg);
}

void apic_write(uint32_t reg, uint32_t value)
{
    if (x2apic) {
        x86_wrmsr(MSR_X2APIC + (reg >> 4), value);
    } else {
        *(volatile uint32_t *)(registers + reg) = value;
    }
}

uint32_t apic_id(void)
{
    return x2apic ? apic_read(REG_ID) : apic_read(REG_ID) >> 24;
}

bool apic_reaches(uint32_t target)
{
    return x2apic || target < UINT8_MAX;
}

void apic_end_of_interrupt(void)
{
    apic_write(REG_EOI, 0);
}

static void command(uint32_t target, uint32_t low)
{
    irqflags_t flags = arch_irq_save(); // an interrupt in between could use the registers too
    if (x2apic) {
        // Unlike a store to the memory registers this write orders nothing before it.
        __asm__ volatile("mfence; lfence" : : : "memory");
        x86_wrmsr(MSR_X2APIC + (REG_COMMAND >> 4), (uint64_t)target << 32 | low);
    } else {
        while (apic_read(REG_COMMAND) & COMMAND_PENDING) {
            arch_cpu_relax();
        }
        apic_write(REG_TARGET, target << 24);
        apic_write(REG_COMMAND, low);
    }
    arch_irq_restore(flags);
}

void apic_send(uint32_t target, uint32_t vector)
{
    command(target, COMMAND_ASSERT | vector);
}

void apic_send_nmi(uint32_t target)
{
    command(target, COMMAND_ASSERT | COMMAND_NMI);
}

void apic_send_init(uint32_t target)
{
    command(target, COMMAND_ASSERT | COMMAND_INIT);
}

void apic_send_startup(uint32_t target, paddr_t page)
{
    command(target, COMMAND_ASSERT | COMMAND_STARTUP | (uint32_t)(page >> PAGE_SHIFT));
}

void apic_timer_one_shot(void)
{
    apic_write(REG_TIMER_DIV, TIMER_DIV_1);
    apic_write(REG_LVT_TIMER, VECTOR_TIMER);
}

void apic_timer_deadline(void)
{
    apic_write(REG_LVT_TIMER, TIMER_DEADLINE | VECTOR_TIMER);
    // The write to the table is to memory, the deadline to an MSR: order them (SDM 11.5.4.1).
    __asm__ volatile("mfence" : : : "memory");
}

// Moves the old controllers' vectors away from the exceptions and masks all their lines.
static void pic_mask(void)
{
    static const uint8_t words[][2] = {{0x11, 0x11}, {0x20, 0x28}, {4, 2}, {1, 1}, {0xff, 0xff}};
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        x86_out8(PIC_MASTER + (i > 0), words[i][0]);
        x86_out8(PIC_SLAVE + (i > 0), words[i][1]);
    }
}

void apic_init(void)
{
    pic_mask();
    uint64_t base = x86_rdmsr(MSR_APIC_BASE);
    x2apic = cpu_features.x2apic;
    if (!x2apic) {
        paddr_t address = acpi.local_apic ? acpi.local_apic : base & BASE_ADDRESS;
        registers = arch_device_map(address, PAGE_SIZE, ARCH_PROT_WRITE, ARCH_CACHE_UNCACHED);
        KREQUIRE(registers != NULL);
    }
    apic_enable();
    log_info("apic: %s, CPU %u", x2apic ? "x2APIC" : "xAPIC", apic_id());
}

void apic_enable(void)
{
    uint64_t base = x86_rdmsr(MSR_APIC_BASE) | BASE_ENABLE;
    x86_wrmsr(MSR_APIC_BASE, base); // enabling and x2APIC are two steps (SDM 11.12.5)
    if (x2apic) {
        x86_wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
    }
    apic_write(REG_TASK, 0);
    apic_write(REG_LVT_LINT0, LVT_MASKED);
    apic_write(REG_LVT_LINT1, LVT_NMI);
    apic_write(REG_LVT_ERROR, LVT_MASKED);
    apic_write(REG_LVT_TIMER, LVT_MASKED);
    apic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}
