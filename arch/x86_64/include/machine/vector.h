// SPDX-License-Identifier: MIT
// Vector state: x87, SSE, AVX, AVX-512.
//
// The kernel does not use these registers. A system call leaves them undefined for its caller but
// for the two control words; so a thread that leaves a CPU in a system call keeps only those, and
// finds the initial state when it comes back. A thread that leaves in the midst of user code keeps
// everything. A thread that comes back to a CPU whose registers are still its own needs nothing.
//
// Some CPUs of AMD's neither save nor load where the last x87 instruction and its operand were,
// unless an exception is pending: there the next thread would read them (vector_pointers_clear).
#pragma once

#include <arch/attribute.h>
#include <cpu.h>
#include <machine/features.h>
#include <machine/patch.h>

// Makes the constant initial image. First CPU, after features_enable().
void vector_init(void);

// Prepares a thread that has never run.
void vector_thread_init(struct arch_thread *thread, void *area);

// The constant initial state, and the parts of it that may differ.
extern char vector_initial[];
#define MXCSR_INITIAL UINT32_C(0x1f80)
#define FCW_INITIAL   UINT16_C(0x037f)
#define LEFT_INITIAL  (MXCSR_INITIAL | (uint64_t)FCW_INITIAL << 32) // arch_thread.vector_left

// Everything, to the thread's area, and from an area. (At the expense of no register of the caller,
// which seldom needs it.)
ARCH_KEEPS_REGISTERS void vector_area_save(struct arch_thread *thread);

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
    thread->vector_in_area = 0;
}

// The current thread is about to leave this CPU.
static inline void vector_save(struct arch_thread *thread)
{
    if (arch_frame_is_syscall(arch_thread_frame(thread))) {
        vector_save_control(thread);
    } else {
        vector_area_save(thread);
    }
}

// FNINIT where loading an area leaves the x87 pointers as they are. (The first byte is a prefix
// that means nothing there.)
static inline void vector_pointers_clear(void)
{
    __asm__ volatile(PATCH_PLACE("x87", "0x3e, 0xdb, 0xe3") : : : "memory");
}

// `thread` is about to enter user mode on this CPU at some time, and has an area.
static inline void vector_load(struct cpu *cpu, struct arch_thread *thread)
{
    if (cpu->arch.vector_owner == thread && thread->vector_cpu == cpu->id) {
        return;
    }
    cpu->arch.vector_owner = thread;
    thread->vector_cpu = cpu->id;
    vector_pointers_clear();
    if (__builtin_expect(thread->vector_left == LEFT_INITIAL, 1)) {
        vector_area_load(vector_initial);
        return;
    }
    if (thread->vector_in_area) {
        vector_area_load(thread->vector_area);
        return;
    }
    vector_area_load(vector_initial);
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(thread->mxcsr), "m"(thread->fcw));
}
