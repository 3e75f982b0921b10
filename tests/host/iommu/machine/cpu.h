// SPDX-License-Identifier: MIT
// A CPU that waits lets the test's hardware go on.
#pragma once

struct cpu;
struct arch_cpu {
    unsigned apic_id;
};
void arch_cpu_relax(void);
struct cpu *arch_cpu_self(void);
