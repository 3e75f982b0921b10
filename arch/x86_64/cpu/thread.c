// SPDX-License-Identifier: MIT
// Switching threads; the contract is in <arch/thread.h>, the stack changes in switch.S.
#include <arch/thread.h>

#include <arch/cpu.h>
#include <arch/smp.h>
#include <cpu.h>
#include <machine/vector.h>
#include <machine/x86.h>
#include <panic.h>
#include <tessera/abi/status.h>

void thread_save_and_switch(struct arch_thread *save, struct arch_thread *next);
_Noreturn void thread_switch_tail(struct arch_thread *next, struct arch_thread *previous);
_Noreturn void thread_return_tail(struct arch_thread *next, struct arch_thread *previous);
void thread_enter(struct arch_thread *next);

void arch_thread_init(struct arch_thread *thread, vaddr_t stack_top, struct arch_space *space,
                      void *vector_area, void (*continuation)(void))
{
    KASSERT(!((uintptr_t)vector_area & (ARCH_VECTOR_ALIGN - 1)) && !(stack_top & 15));
    KASSERT((vector_area == NULL) == (space == NULL));
    *thread = (struct arch_thread){
        .stack_top = stack_top,
        .continuation = continuation,
        .space = space,
    };
    vector_thread_init(thread, vector_area);
    // Also the CS and SS that system calls leave alone (entry.S).
    arch_frame_start(arch_thread_frame(thread), 0, 0, 0);
}

void arch_thread_fini(struct arch_thread *thread)
{
    while (arch_thread_on_cpu(thread)) {
        arch_cpu_relax();
        irqflags_t flags = arch_irq_save();
        arch_smp_serve();
        arch_irq_restore(flags);
    }
}

ts_status_t arch_thread_set_pointer(struct arch_thread *thread, vaddr_t value)
{
    if (value >= TS_USER_END) {
        return TS_ERR_ARGUMENT;
    }
    thread->fs_base = value;
    struct cpu *cpu = cpu_current();
    if (cpu->machine_thread == thread) {
        irqflags_t flags = arch_irq_save();
        cpu = cpu_current();
        x86_wrmsr(MSR_FS_BASE, value);
        cpu->arch.fs_base = value;
        arch_irq_restore(flags);
    }
    return TS_OK;
}

vaddr_t arch_thread_pointer(const struct arch_thread *thread)
{
    return thread->fs_base;
}

// Programs have no use for DS, ES, FS and GS, which hold 0; but they can load selectors there, and
// no other program may read those. Whether this one did:
static inline bool selectors_loaded(void)
{
    bool loaded;
    uint32_t any, one;
    __asm__ volatile("movl %%ds, %1\n"
                     "movl %%es, %2\n"
                     "orl %2, %1\n"
                     "movl %%fs, %2\n"
                     "orl %2, %1\n"
                     "movl %%gs, %2\n"
                     "orl %2, %1\n"
                     : "=@ccnz"(loaded), "=&r"(any), "=&r"(one));
    return loaded;
}

// Loading GS changes its base on some CPUs: so it is done while that is the user's, which is 0
// before and after. What hits in between looks at the base (entry.S). FS has its base again from
// thread_load(). Inline: a call would cost those that never need it their registers.
static inline void selectors_clear(void)
{
    __asm__ volatile("movl %0, %%ds\n"
                     "movl %0, %%es\n"
                     "movl %0, %%fs\n"
                     "swapgs\n"
                     "movl %0, %%gs\n"
                     "swapgs\n"
                     :
                     : "r"(0)
                     : "memory");
}

// What any thread has. The canary is that of `next` from here on: the function that this is in does
// not return, or has none.
static inline void thread_load_kernel(struct cpu *cpu, struct arch_thread *next)
{
    cpu->machine_thread = next;
    cpu->canary = next->canary;
    cpu->arch.tss.rsp[0] = next->stack_top;
}

// What a thread with a space has besides. When that is another one nothing may be left of the last:
// the FS base is written even if it should be the same, since a program can clear the register by
// loading the selector.
static inline __attribute__((always_inline)) void thread_load_user(struct cpu *cpu,
                                                                   struct arch_thread *next)
{
    paddr_t root = next->space->root;
    bool other_space = atomic_load_explicit(&cpu->arch.root, memory_order_relaxed) != root;
    if (other_space) {
        // Published before it is loaded: see arch_flush_commit().
        atomic_store_explicit(&cpu->arch.root, root, memory_order_relaxed);
        x86_write_cr3(root);
        if (__builtin_expect(selectors_loaded(), 0)) {
            selectors_clear();
        }
    }
    uint64_t fs_base = next->fs_base;
    if (other_space || cpu->arch.fs_base != fs_base) {
        cpu->arch.fs_base = fs_base;
        x86_wrmsr(MSR_FS_BASE, fs_base);
    }
    vector_load(cpu, next);
}

// Everything of `next` but its stack.
static inline __attribute__((always_inline)) void thread_load(struct cpu *cpu,
                                                              struct arch_thread *next)
{
    thread_load_kernel(cpu, next);
    if (next->space != NULL) {
        thread_load_user(cpu, next);
    }
}

// On the CPU's own stack: nothing of the previous thread is in use any more.
__attribute__((no_stack_protector)) void thread_enter(struct arch_thread *next)
{
    while (atomic_load_explicit(&next->running, memory_order_acquire)) {
        arch_cpu_relax();
        arch_smp_serve();
    }
    atomic_store_explicit(&next->running, 1, memory_order_relaxed);
    thread_load(cpu_current(), next);
}

_Noreturn void arch_thread_resume(struct arch_thread *next)
{
    KASSERT(!arch_irq_enabled());
    struct cpu *cpu = cpu_current();
    struct arch_thread *previous = cpu->machine_thread;
    if (previous != NULL && previous->vector_area != NULL) {
        vector_save(previous);
    }
    // Straight to user mode, if there is nothing that its stack is needed for.
    if (previous != NULL && next->continuation == NULL && !next->saved_stack &&
        !atomic_load_explicit(&next->running, memory_order_acquire) &&
        atomic_load_explicit(&cpu->need_resched, memory_order_relaxed) == 0) {
        atomic_store_explicit(&next->running, 1, memory_order_relaxed);
        thread_load(cpu, next);
        thread_return_tail(next, previous);
    }
    thread_switch_tail(next, previous);
}

void arch_thread_switch(struct arch_thread *save, struct arch_thread *next)
{
    KASSERT(!arch_irq_enabled() && save == cpu_current()->machine_thread);
    if (save->vector_area != NULL) {
        vector_save(save);
    }
    thread_save_and_switch(save, next);
}

__attribute__((hot)) _Noreturn void arch_thread_return(struct arch_thread *next)
{
    struct cpu *cpu = cpu_current();
    struct arch_thread *previous = cpu->machine_thread;
    KASSERT(next->space != NULL && !arch_thread_on_cpu(next));
    vector_save_control(previous);
    atomic_store_explicit(&next->running, 1, memory_order_relaxed);
    thread_load_kernel(cpu, next);
    thread_load_user(cpu, next);
    thread_return_tail(next, previous);
}
