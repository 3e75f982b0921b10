// SPDX-License-Identifier: MIT
// How waitpid() tells what ended a process: see posix_die.
#pragma once

#include <stdint.h>

// What a process gives ts_process_trap(); the low byte is the signal.
#define DEATH_MARK UINT64_C(0x5349474e414c0000)
