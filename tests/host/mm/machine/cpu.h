// SPDX-License-Identifier: MIT
#pragma once

struct cpu;
struct arch_cpu {
    int unused;
};
struct cpu *arch_cpu_self(void);
