/* SPDX-License-Identifier: MIT */
/* Changing kernel stacks; see <arch/thread.h>. */
#include <machine/offsets.h>

    .section .text.hot, "ax"

/* void thread_save_and_switch(save = rdi, next = rsi): keeps the context that C relies on. */
    .balign 16
    .globl thread_save_and_switch
    .type thread_save_and_switch, @function
thread_save_and_switch:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, THREAD_SAVED_STACK(%rdi)
    movq %rsi, %rax
    movq %rdi, %rsi
    movq %rax, %rdi
    /* fall through */

/* thread_switch_tail(next = rdi, previous = rsi or 0): onto the CPU's own stack; only then is the
   previous thread anyone's; then wait for the next one and enter it. */
    .globl thread_switch_tail
    .type thread_switch_tail, @function
thread_switch_tail:
    movq %gs:CPU_SWITCH_STACK, %rsp
    xorl %ebp, %ebp
    testq %rsi, %rsi
    jz 1f
    movl $0, THREAD_RUNNING(%rsi)
1:  movq %rdi, %rbx
    call thread_enter
    movq THREAD_SAVED_STACK(%rbx), %rsp
    testq %rsp, %rsp
    jz 2f
    movq $0, THREAD_SAVED_STACK(%rbx)
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
2:  movq THREAD_STACK_TOP(%rbx), %rsp
    subq $FRAME_SIZE, %rsp
    movq THREAD_CONTINUATION(%rbx), %rax
    testq %rax, %rax
    jz arch_return_to_user
    call *%rax
    ud2
    .section .note.GNU-stack, "", @progbits
