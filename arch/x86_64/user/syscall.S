// SPDX-License-Identifier: MIT
// A function for each line of syscall.def, as <tessera/lib/syscall.h> declares them. The C calling
// convention and the kernel's differ in one register: the fourth argument, which the instruction
// `syscall` would overwrite, travels in r10. rax and rdx come back as struct ts_result.

.macro stub name, number
    .section .text.\name, "ax", @progbits
    .globl \name
    .type \name, @function
    .balign 16
\name:
    movq %rcx, %r10
    movl $\number, %eax
    syscall
    ret
    .size \name, . - \name
.endm

#define TS_SYSCALL(name, number, ...) stub ts_sys_##name, number
#include <tessera/abi/syscall.def>

    .section .note.GNU-stack, "", @progbits
