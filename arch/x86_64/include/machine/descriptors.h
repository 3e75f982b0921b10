// SPDX-License-Identifier: MIT
// Segments, task state and interrupt gates.
#pragma once

#include <cpu.h>

// Vectors above the exceptions. Devices have VECTOR_DEVICE to VECTOR_TIMER - 1.
#define VECTOR_DEVICE    0x30
#define VECTOR_TIMER     0xf0
#define VECTOR_RESCHED   0xf1
#define VECTOR_FLUSH     0xf2
#define VECTOR_QUIESCE   0xf3
#define VECTOR_DMA_FAULT 0xf4
#define VECTOR_SPURIOUS  0xff

enum exception_vector {
    EXCEPTION_DEBUG = 1,
    EXCEPTION_NMI = 2,
    EXCEPTION_BREAKPOINT = 3,
    EXCEPTION_DOUBLE_FAULT = 8,
    EXCEPTION_PAGE_FAULT = 14,
    EXCEPTION_MACHINE_CHECK = 18,
};

// Stacks that the CPU switches to by itself (index in the task state's list, from 1).
enum { IST_DOUBLE_FAULT = 1, IST_NMI = 2, IST_MACHINE_CHECK = 3, IST_DEBUG = 4, IST_COUNT = 4 };

// Fills the interrupt gates, common to all CPUs. First CPU.
void gates_init(void);

// Loads segments, task state and gates on this CPU and makes cpu_current() work. `cpu` has its
// stacks set.
void descriptors_load(struct cpu *cpu);
