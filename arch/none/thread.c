// SPDX-License-Identifier: MIT
// Threads that never run: each way to one halts.
#include <arch/thread.h>

#include <arch/cpu.h>
#include <tessera/abi/status.h>
#include <tessera/machine/address.h>

size_t arch_vector_size(void)
{
    return 0;
}

void arch_thread_init(struct arch_thread *thread, vaddr_t stack_top, struct arch_space *space,
                      void *vector_area, void (*continuation)(void))
{
    *thread =
        (struct arch_thread){.stack_top = stack_top, .space = space, .continuation = continuation};
}

ts_status_t arch_thread_set_pointer(struct arch_thread *thread, vaddr_t value)
{
    if (value >= TS_USER_END) {
        return TS_ERR_ARGUMENT;
    }
    thread->pointer = value;
    return TS_OK;
}

vaddr_t arch_thread_pointer(const struct arch_thread *thread)
{
    return thread->pointer;
}

_Noreturn void arch_thread_resume(struct arch_thread *next)
{
    arch_cpu_halt();
}

void arch_thread_switch(struct arch_thread *save, struct arch_thread *next)
{}

_Noreturn void arch_return_to_user(void)
{
    arch_cpu_halt();
}

_Noreturn void arch_thread_return(struct arch_thread *next)
{
    arch_cpu_halt();
}

void arch_thread_fini(struct arch_thread *thread)
{}

ts_status_t arch_stack_create(vaddr_t *out_top)
{
    return TS_ERR_MEMORY;
}

void arch_stack_destroy(vaddr_t top)
{}
