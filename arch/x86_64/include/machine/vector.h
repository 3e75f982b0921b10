// SPDX-License-Identifier: MIT
// Vector state: x87, SSE, AVX, AVX-512.
//
// The kernel does not use these registers. A system call leaves them undefined for its caller but
// for the two control words; so a thread that leaves a CPU in a system call keeps only those, and
// finds the initial state when it comes back. A thread that leaves in the midst of user code keeps
// everything. A thread that comes back to a CPU whose registers are still its own needs nothing.
#pragma once

#include <cpu.h>

// Makes the constant initial image. First CPU, after features_enable().
void vector_init(void);

// Prepares a thread that has never run.
void vector_thread_init(struct arch_thread *thread, void *area);

// The current thread is about to leave this CPU.
void vector_save(struct arch_thread *thread);

// `thread` is about to enter user mode on this CPU at some time, and has an area.
void vector_load(struct cpu *cpu, struct arch_thread *thread);
