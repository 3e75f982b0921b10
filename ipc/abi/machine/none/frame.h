// SPDX-License-Identifier: MIT
// What a system call, a function and a thread have where. There are no system calls.
#pragma once

#include <stdint.h>

struct ts_frame {
    uint64_t next; // frame of the caller, at a higher address
    uint64_t pc;   // where it goes on
};

struct ts_thread_control {
    uint64_t self;   // its own address
    uint64_t canary; // random, its lowest byte 0
};

#define TS_CANARY_MASK (~UINT64_C(0xff)) // no string copy goes over a zero
