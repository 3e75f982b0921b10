// SPDX-License-Identifier: MIT
// The machine's part of a CPU: nothing.
#pragma once

struct cpu;
struct thread;

struct arch_cpu {
    int unused;
};

extern struct cpu *none_cpu; // the only one

static inline struct cpu *arch_cpu_self(void)
{
    return none_cpu;
}

struct thread *arch_cpu_thread(void);
