// SPDX-License-Identifier: MIT
// Ending it.
#pragma once

#include <arch/types.h>

// Restarts the machine. Tries, in order, what firmware describes, then what machines of this kind
// have always had. If all fail, halts.
_Noreturn void arch_restart(void);

// Switches the machine off. `status` is what an emulator with an exit device returns to its
// caller (it is ignored elsewhere). If nothing works, halts with a log line.
_Noreturn void arch_power_off(uint32_t status);
