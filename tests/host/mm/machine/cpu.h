// SPDX-License-Identifier: MIT
#pragma once

struct cpu;
struct arch_cpu {
    int unused;
};
struct thread;
void arch_cpu_relax(void);
struct cpu *arch_cpu_self(void);
struct thread *arch_cpu_thread(void);
