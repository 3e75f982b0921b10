// SPDX-License-Identifier: MIT
// CPUs and their structures. All are made at boot by the first CPU, which knows from firmware how
// many there can be; the others are started by INIT and start-up interrupts (SDM vol. 3, 8.4.4).
#include <machine/start.h>

#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/hooks.h>
#include <arch/memory.h>
#include <arch/smp.h>
#include <cpu.h>
#include <log.h>
#include <machine/acpi.h>
#include <machine/apic.h>
#include <machine/descriptors.h>
#include <machine/features.h>
#include <machine/paging.h>
#include <machine/x86.h>
#include <string.h>

paddr_t boot_low_page(void);
_Noreturn void start_cpu_main(struct cpu *cpu);

extern char boot_cpu_stack_end[];
extern const char start_code[], start_code_end[]; // smp/trampoline.S
struct cpu *start_cpu;                            // for the CPU that is starting

#define IST_STACK_SIZE    (2 * PAGE_SIZE)
#define SWITCH_STACK_SIZE (4 * PAGE_SIZE)

#define ANSWER_NS ((ts_time_t)5000000000) // an emulator may be busy elsewhere

static struct cpu boot_cpu;
static struct cpu *cpus[CPU_MAX] = {&boot_cpu};
static uint32_t prepared = 1; // entries of cpus[] that are filled
static _Atomic uint32_t online = 1;

uint32_t cpu_count(void)
{
    return atomic_load_explicit(&online, memory_order_acquire);
}

struct cpu *cpu_by_id(uint32_t id)
{
    return cpus[id];
}

// Without a canary: it makes the place that canaries are read from.
__attribute__((no_stack_protector)) void start_first_cpu(void)
{
    // Before there is a window, where such stacks have guard pages.
    static char emergency[IST_COUNT][IST_STACK_SIZE] __attribute__((aligned(16)));
    boot_cpu.self = &boot_cpu;
    boot_cpu.canary = arch_counter() & CANARY_MASK; // until the first thread, whose is random
    boot_cpu.switch_stack = (uint64_t)boot_cpu_stack_end;
    for (unsigned i = 0; i < IST_COUNT; i++) {
        boot_cpu.arch.tss.ist[i] = (uint64_t)(emergency[i] + IST_STACK_SIZE);
    }
    gates_init();
    descriptors_load(&boot_cpu);
}

static void stacks_make(struct cpu *cpu)
{
    for (unsigned i = 0; i < IST_COUNT; i++) {
        cpu->arch.tss.ist[i] = kernel_stack_map(IST_STACK_SIZE);
    }
}

void start_prepare(void)
{
    boot_cpu.switch_stack = kernel_stack_map(SWITCH_STACK_SIZE); // in place of the boot code's
    stacks_make(&boot_cpu);
    boot_cpu.arch.apic_id = apic_id();
    atomic_store(&boot_cpu.arch.root, kernel_space.root);

    uint64_t limit = boot_option_number("maxcpus", CPU_MAX);
    for (uint32_t i = 0; i < acpi.cpu_count && prepared < limit; i++) {
        if (acpi.cpu_apic_id[i] == boot_cpu.arch.apic_id || !apic_reaches(acpi.cpu_apic_id[i])) {
            continue;
        }
        struct cpu *cpu = phys_to_virt(boot_page_alloc(sizeof(*cpu), PAGE_SIZE));
        cpu->self = cpu;
        cpu->id = prepared;
        cpu->arch.apic_id = acpi.cpu_apic_id[i];
        cpu->canary = boot_cpu.canary;
        cpu->switch_stack = kernel_stack_map(SWITCH_STACK_SIZE);
        stacks_make(cpu);
        cpus[prepared++] = cpu;
    }
}

// C entry of a further CPU, from the trampoline: on its own stack, in the boot page tables.
_Noreturn void start_cpu_main(struct cpu *cpu)
{
    x86_write_cr3(kernel_space.root);
    atomic_store(&cpu->arch.root, kernel_space.root);
    descriptors_load(cpu);
    features_enable();
    apic_enable();
    clock_cpu_init();
    atomic_store_explicit(&cpu->arch.started, true, memory_order_release);
    while (cpu_count() <= cpu->id) { // until the first CPU has taken note
        arch_cpu_relax();
    }
    kernel_cpu_main();
}

static bool answered(struct cpu *cpu, ts_time_t wait)
{
    ts_time_t end = clock_now() + wait;
    while (!atomic_load_explicit(&cpu->arch.started, memory_order_acquire)) {
        if (clock_now() > end) {
            return false;
        }
        arch_cpu_relax();
    }
    return true;
}

static bool start_one(struct cpu *cpu, paddr_t page)
{
    start_cpu = cpu;
    atomic_thread_fence(memory_order_seq_cst);
    apic_send_init(cpu->arch.apic_id);
    arch_delay_us(200); // the 10 ms of the manual are for CPUs of the last century
    apic_send_startup(cpu->arch.apic_id, page);
    if (answered(cpu, 1000000)) {
        return true;
    }
    apic_send_startup(cpu->arch.apic_id, page);
    return answered(cpu, ANSWER_NS);
}

uint32_t arch_smp_start(void)
{
    paddr_t page = boot_low_page();
    if (prepared > 1 && !page) {
        log_error("smp: no page below 1 MiB to start other CPUs from");
        return 1;
    }
    memcpy(phys_to_virt(page), start_code, (size_t)(start_code_end - start_code));
    uint32_t given_up = 0;
    for (uint32_t i = 1; i < prepared; i++) {
        struct cpu *cpu = cpus[i];
        if (!start_one(cpu, page)) {
            // It may yet come: its structure stays its own, its place goes to the next one.
            log_error("smp: CPU with APIC id %u does not answer", cpu->arch.apic_id);
            apic_send_init(cpu->arch.apic_id);
            given_up++;
            continue;
        }
        uint32_t id = i - given_up;
        cpus[id] = cpu;
        cpu->id = id;
        atomic_store_explicit(&online, id + 1, memory_order_release);
    }
    log_info("smp: %u CPUs", cpu_count());
    return cpu_count();
}
