// SPDX-License-Identifier: MIT
// The machine's part of a thread; see <arch/thread.h>. The first fields are known to assembly.
#pragma once

#include <stdatomic.h>

#include <arch/types.h>
#include <machine/frame.h>
#include <machine/space.h>

#define VECTOR_CPU_NONE UINT32_MAX

struct arch_thread {
    vaddr_t stack_top;
    uint64_t saved_stack;
    void (*continuation)(void);
    _Atomic uint32_t running;
    uint32_t vector_cpu; // CPU whose vector registers may still be this thread's
    struct arch_space *space;
    uint64_t fs_base;
    uint64_t canary; // of its frames on the kernel stack
    void *vector_area;
    union {
        struct {
            uint32_t mxcsr;          // the two control words that survive a system call,
            uint16_t fcw;            // saved when the thread leaves a CPU in one
            uint16_t vector_in_area; // left in user mode: all of its state is in vector_area
        };
        uint64_t vector_left; // all three: what is to be loaded, at one glance
    };
};

static inline struct arch_frame *arch_thread_frame(struct arch_thread *thread)
{
    return (struct arch_frame *)thread->stack_top - 1;
}

static inline bool arch_thread_on_cpu(const struct arch_thread *thread)
{
    return atomic_load_explicit(&thread->running, memory_order_acquire);
}
