// SPDX-License-Identifier: MIT
// How waitpid() tells what ended a process: see posix_die.
#pragma once

#include <stdint.h>

// rax of a process that ended itself by an invalid instruction; the low byte is the signal.
#define DEATH_MARK  UINT64_C(0x5349474e414c0000)
#define DEATH_FAULT 6u // the machine's number of that exception
