// SPDX-License-Identifier: MIT
// Who waits for the hardware lets the model of it run.
#pragma once

void arch_cpu_relax(void);
