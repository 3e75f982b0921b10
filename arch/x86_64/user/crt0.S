// SPDX-License-Identifier: MIT
// The first instructions of every program. rdi is the address of struct ts_bootstrap.
    .section .text._start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp         // the end of backtraces
    andq $-16, %rsp
    call ts_image_start     // <tessera/lib/start.h>; does not return
    ud2
    .size _start, . - _start

    .section .note.GNU-stack, "", @progbits
