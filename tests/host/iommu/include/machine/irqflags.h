// SPDX-License-Identifier: MIT
// A wait for the hardware lets the model of it run.
#pragma once

void arch_cpu_relax(void);
