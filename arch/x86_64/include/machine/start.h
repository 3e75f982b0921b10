// SPDX-License-Identifier: MIT
// Bringing CPUs up.
#pragma once

// Segments, gates and cpu_current() of the first CPU: the first thing in C.
void start_first_cpu(void);

// Makes the structures and stacks of all CPUs. After ACPI and the local APIC, with the early
// allocator.
void start_prepare(void);
