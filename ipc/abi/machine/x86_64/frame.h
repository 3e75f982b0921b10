// SPDX-License-Identifier: MIT
// What a system call, a function and a thread have where.
//
// System call: rax = number; arguments a1 to a6 = rdi, rsi, rdx, r10, r8, r9; results rax = status,
// rdx = value. It clobbers rcx, r11 and the vector registers; MXCSR and the x87 control word
// survive. A thread starts with its argument in a1.
#pragma once

#include <stdint.h>

// Where a frame pointer points: the way from a function to its caller. Outermost: both 0.
struct ts_frame {
    uint64_t next; // frame of the caller, at a higher address
    uint64_t pc;   // where it goes on
};

// Where a thread pointer points, as compilers expect it: a thread finds its own address (fs:0) and
// its canary (fs:40), which ends those frames of functions that could be overrun.
struct ts_thread_control {
    uint64_t self; // its own address
    uint64_t reserved[4];
    uint64_t canary; // random, its lowest byte 0
    uint64_t reserved2[2];
};
_Static_assert(sizeof(struct ts_thread_control) == 64, "thread control block");

#define TS_CANARY_MASK (~UINT64_C(0xff)) // no string copy goes over a zero
