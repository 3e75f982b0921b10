// SPDX-License-Identifier: MIT
// Vector state: x87, SSE, AVX, AVX-512.
//
// The kernel does not use these registers. A system call leaves them undefined for its caller but
// for the two control words; so a thread that leaves a CPU in a system call keeps only those, and
// finds the initial state when it comes back. A thread that leaves in the midst of user code keeps
// everything. A thread that comes back to a CPU whose registers are still its own needs nothing.
#pragma once

#include <cpu.h>
#include <machine/features.h>

// Makes the constant initial image. First CPU, after features_enable().
void vector_init(void);

// Prepares a thread that has never run.
void vector_thread_init(struct arch_thread *thread, void *area);

// The constant initial state, and the parts of it that may differ.
extern char vector_initial[];
#define MXCSR_INITIAL UINT32_C(0x1f80)
#define FCW_INITIAL   UINT16_C(0x037f)

// Everything, to and from an area.
void vector_area_save(void *area);

static inline void vector_area_load(const void *area)
{
    if (cpu_features.xsave) {
        __asm__ volatile("xrstor64 (%0)"
                         :
                         : "r"(area), "a"((uint32_t)cpu_features.xcr0), "d"(0)
                         : "memory");
    } else {
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
    }
}

// The current thread is about to leave this CPU in a system call.
static inline void vector_save_control(struct arch_thread *thread)
{
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(thread->mxcsr), "=m"(thread->fcw));
    thread->vector_in_area = false;
}

// The current thread is about to leave this CPU.
static inline void vector_save(struct arch_thread *thread)
{
    if (arch_frame_is_syscall(arch_thread_frame(thread))) {
        vector_save_control(thread);
    } else {
        vector_area_save(thread->vector_area);
        thread->vector_in_area = true;
    }
}

// `thread` is about to enter user mode on this CPU at some time, and has an area.
static inline void vector_load(struct cpu *cpu, struct arch_thread *thread)
{
    if (cpu->arch.vector_owner == thread && thread->vector_cpu == cpu->id) {
        return;
    }
    cpu->arch.vector_owner = thread;
    thread->vector_cpu = cpu->id;
    if (thread->vector_in_area) {
        vector_area_load(thread->vector_area);
        return;
    }
    vector_area_load(vector_initial);
    if (thread->mxcsr != MXCSR_INITIAL) {
        __asm__ volatile("ldmxcsr %0" : : "m"(thread->mxcsr));
    }
    if (thread->fcw != FCW_INITIAL) {
        __asm__ volatile("fldcw %0" : : "m"(thread->fcw));
    }
}
