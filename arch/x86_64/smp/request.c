// SPDX-License-Identifier: MIT
// What CPUs ask of each other: to forget translations, and to have been quiescent.
//
// Flushing. Each CPU has one request of its own (it asks with interrupts off, so never two at
// once). The asker fills it in, sets its bit in `asked_by` of each CPU concerned, interrupts them,
// and waits until all have counted `pending` down, serving what others ask of it meanwhile: so
// two that ask each other both get on. Spinning on a lock serves too (spin_wait()).
//
// Which are concerned: a CPU whose published root is the space's. The CPU that switches stores its
// root, then loads CR3 (which serialises); the asker changes the entry, fences, then reads the
// roots. So either the asker sees the root and asks, or the load of CR3 came later and the CPU
// reads the new entry.
//
// Quiescence. A ticket is the value of a global count; each CPU notes the count it saw at its last
// interrupt, which it can only have taken with interrupts on, or when it made a ticket itself. A
// ticket is done when all CPUs have noted it. CPUs that wait with interrupts off, and serve
// flushes, note nothing.
#include <arch/smp.h>

#include <arch/cpu.h>
#include <arch/debug.h>
#include <arch/space.h>
#include <cpu.h>
#include <machine/apic.h>
#include <machine/descriptors.h>
#include <machine/features.h>
#include <machine/paging.h>
#include <machine/x86.h>
#include <panic.h>
#include <spinlock.h>

static _Atomic uint64_t quiesce_ticket;

void space_leave_everywhere(struct arch_space *space);

void arch_space_load(struct arch_space *space)
{
    struct cpu *cpu = cpu_current();
    paddr_t root = space != NULL ? space->root : kernel_space.root;
    if (atomic_load_explicit(&cpu->arch.root, memory_order_relaxed) != root) {
        atomic_store_explicit(&cpu->arch.root, root, memory_order_relaxed); // see above
        x86_write_cr3(root);
    }
}

static void flush_everything(bool kernel)
{
    uint64_t cr4 = x86_read_cr4();
    if (kernel && (cr4 & CR4_PGE)) { // changing PGE drops global translations too
        x86_write_cr4(cr4 & ~CR4_PGE);
        x86_write_cr4(cr4);
    } else {
        x86_write_cr3(x86_read_cr3());
    }
}

static void flush_here(const struct arch_flush *flush)
{
    bool kernel = flush->space == &kernel_space;
    if (!kernel && atomic_load(&cpu_current()->arch.root) != flush->space->root) {
        return; // it has switched since it was asked, and so forgotten
    }
    if (flush->count > ARCH_FLUSH_MAX) {
        flush_everything(kernel);
        return;
    }
    for (uint32_t i = 0; i < flush->count; i++) {
        x86_invlpg(flush->addresses[i]);
    }
}

static void serve(struct cpu_request *request)
{
    if (request->flush != NULL) {
        flush_here(request->flush);
    } else if (atomic_load(&cpu_current()->arch.root) == request->leave_root) {
        arch_space_load(NULL);
    }
    atomic_fetch_sub_explicit(&request->pending, 1, memory_order_release);
}

void arch_smp_serve(void)
{
    struct cpu *cpu = cpu_current();
    if (!atomic_load_explicit(&cpu->arch.asked_by, memory_order_relaxed)) {
        return;
    }
    uint64_t asked = atomic_exchange(&cpu->arch.asked_by, 0);
    for (; asked; asked &= asked - 1) {
        serve(&cpu_by_id((uint32_t)__builtin_ctzll(asked))->arch.request);
    }
}

// The CPUs (bits) but this one that have `root` loaded; all when root is 0.
static uint64_t cpus_on(paddr_t root)
{
    uint64_t set = 0;
    uint32_t self = cpu_current()->id;
    for (uint32_t i = 0; i < cpu_count(); i++) {
        if (i != self && (!root || atomic_load(&cpu_by_id(i)->arch.root) == root)) {
            set |= UINT64_C(1) << i;
        }
    }
    return set;
}

// Interrupts off.
static void ask(uint64_t targets, const struct arch_flush *flush, paddr_t leave_root)
{
    struct cpu *self = cpu_current();
    struct cpu_request *request = &self->arch.request;
    request->flush = flush;
    request->leave_root = leave_root;
    atomic_store(&request->pending, (uint32_t)__builtin_popcountll(targets));
    for (uint64_t left = targets; left; left &= left - 1) {
        struct cpu *cpu = cpu_by_id((uint32_t)__builtin_ctzll(left));
        atomic_fetch_or(&cpu->arch.asked_by, UINT64_C(1) << self->id);
        apic_send(cpu->arch.apic_id, VECTOR_FLUSH);
    }
    while (atomic_load_explicit(&request->pending, memory_order_acquire)) {
        arch_smp_serve();
        arch_cpu_relax();
        if (panic_active()) {
            arch_cpu_halt(); // the others have stopped: they will not answer
        }
    }
}

void arch_flush_commit(struct arch_flush *flush)
{
    if (!flush->count) {
        return;
    }
    irqflags_t flags = arch_irq_save();
    flush_here(flush);
    atomic_thread_fence(memory_order_seq_cst); // entries before roots: see above
    uint64_t targets = cpus_on(flush->space == &kernel_space ? 0 : flush->space->root);
    if (targets) {
        ask(targets, flush, 0);
    }
    arch_irq_restore(flags);
    flush->count = 0;
}

void space_leave_everywhere(struct arch_space *space)
{
    irqflags_t flags = arch_irq_save();
    if (atomic_load(&cpu_current()->arch.root) == space->root) {
        arch_space_load(NULL);
    }
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t targets = cpus_on(space->root);
    if (targets) {
        ask(targets, NULL, space->root);
    }
    arch_irq_restore(flags);
}

void spin_wait(struct spinlock *lock)
{
    while (atomic_load_explicit(&lock->held, memory_order_relaxed)) {
        arch_cpu_relax();
        arch_smp_serve();
        if (panic_active()) {
            arch_cpu_halt(); // the holder may have stopped with it
        }
    }
}

void arch_cpu_kick(struct cpu *cpu)
{
    if (cpu != cpu_current()) {
        apic_send(cpu->arch.apic_id, VECTOR_RESCHED);
    }
}

void quiesce_note(void)
{
    atomic_store_explicit(&cpu_current()->arch.quiesce_seen,
                          atomic_load_explicit(&quiesce_ticket, memory_order_acquire),
                          memory_order_release);
}

uint64_t arch_quiesce_begin(void)
{
    KASSERT(arch_irq_enabled());
    irqflags_t flags = arch_irq_save();
    uint64_t ticket = atomic_fetch_add(&quiesce_ticket, 1) + 1;
    uint32_t self = cpu_current()->id, count = cpu_count();
    quiesce_note(); // just now this one had interrupts on
    for (uint32_t i = 0; i < count; i++) {
        if (i != self) {
            apic_send(cpu_by_id(i)->arch.apic_id, VECTOR_QUIESCE);
        }
    }
    arch_irq_restore(flags);
    return ticket;
}

bool arch_quiesce_done(uint64_t ticket)
{
    uint32_t count = cpu_count();
    for (uint32_t i = 0; i < count; i++) {
        if (atomic_load_explicit(&cpu_by_id(i)->arch.quiesce_seen, memory_order_acquire) < ticket) {
            return false;
        }
    }
    return true;
}

void arch_quiesce(void)
{
    KASSERT(arch_irq_enabled());
    uint64_t ticket = arch_quiesce_begin();
    while (!arch_quiesce_done(ticket)) {
        arch_cpu_relax();
    }
}

void arch_stop_others(void)
{
    struct cpu *self = cpu_current();
    for (uint32_t i = 0; i < cpu_count(); i++) {
        if (cpu_by_id(i) != self) {
            apic_send_nmi(cpu_by_id(i)->arch.apic_id);
        }
    }
    for (unsigned wait = 0; wait < 10000000; wait++) { // bounded: one may be dead
        uint32_t stopped = 0;
        for (uint32_t i = 0; i < cpu_count(); i++) {
            stopped += cpu_by_id(i) == self || atomic_load(&cpu_by_id(i)->arch.stopped);
        }
        if (stopped == cpu_count()) {
            return;
        }
        arch_cpu_relax();
    }
}

_Noreturn void arch_stop_here(void)
{
    atomic_store(&cpu_current()->arch.stopped, true);
    arch_cpu_halt();
}
