// SPDX-License-Identifier: MIT
// Tests of the machine layer in place, asked for by `selftest` on the command line.
#pragma once

// Prints a line per test and a verdict to the log, then switches the machine off.
_Noreturn void selftest_run(void);
