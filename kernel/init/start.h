// SPDX-License-Identifier: MIT
// From the machine's early start to running threads.
#pragma once

// The first CPU, when the machine layer and all CPUs are up: memory, objects, the reaper, the first
// program. Interrupts on.
_Noreturn void kernel_start(void);

// A further CPU: waits until the first one has made what threads need, then runs them. Interrupts
// off.
_Noreturn void kernel_cpu_start(void);
