// SPDX-License-Identifier: MIT
// The first program: init, from the boot archive, with a handle to everything there is.
#pragma once

// Starts it. Panics, saying what is wrong, when the archive or the program cannot be used: there is
// nothing that the machine could do without. In a thread.
void first_program_start(void);
