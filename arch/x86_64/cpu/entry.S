/* SPDX-License-Identifier: MIT */
/* All ways into the kernel and out of it.

   Whatever the way, the registers of user mode end as a struct arch_frame at the very top of the
   thread's kernel stack. An interrupt of user mode is put there by the CPU (TSS.rsp0); a system
   call builds the same by hand. An interrupt of the kernel builds its frame where the stack is.

   GS: in user mode GS base is 0, whatever selector a program loads (cpu/thread.c), and the kernel's
   value waits in MSR_KERNEL_GS; each entry from user mode and each way back executes one SWAPGS. An
   interrupt knows by the saved CS; NMI, machine check, double fault and debug can hit between SWAPGS
   and the change of privilege, come on stacks of their own, and look at the sign of GS base instead.

   IRETQ is the one instruction between SWAPGS and user mode that can fault, when the frame has what
   no program can run with, such as an address that is not canonical (on AMD's CPUs a jump to one
   faults only at its target). Then the exception is the program's: see .Liret_fault. SYSRETQ cannot:
   the frame of a system call has the address behind an instruction of the program, and nothing is
   mapped in the last page where that would not be canonical.

   CS and SS in the frame of a system call are not written: thread_init has put them there, and no
   entry from user mode can write anything else (user mode has one code and one stack segment).
   Neither are RCX and R11, which the caller has given up: what a rare slow return loads is an old
   value of the same thread. */
#include <machine/offsets.h>

#define PATCH_CLAC                      \
771:    .byte 0x0f, 0x1f, 0x00;         \
        .pushsection .patch.smap, "a";  \
        .quad 771b;                     \
        .byte 0x0f, 0x01, 0xca, 0, 0, 0, 0, 0; \
        .popsection

/* The debug kernel measures how long interrupts are off (section.h): until here. Changes all
   registers that C may. */
.macro SECTION_LEAVE
#if TS_DEBUG
    call section_leave
#endif
.endm

/* All of a frame above [rsp] = vector; flags as C wants them, user pages closed. */
.macro SAVE_REGISTERS
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    PATCH_CLAC
.endm

/* Up to what IRETQ takes. */
.macro RESTORE_REGISTERS
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
.endm

    .section .text.hot, "ax"

/* SYSCALL: rcx = user rip, r11 = user flags, interrupts off, user stack. */
    .balign 64
    .globl system_call_start
    .type system_call_start, @function
system_call_start:
    swapgs
    movq %rsp, %gs:CPU_SCRATCH
    movq %gs:CPU_TSS_STACK, %rsp
    subq $FRAME_SIZE, %rsp
    movq %rcx, FRAME_RIP(%rsp)
    movq %r11, FRAME_RFLAGS(%rsp)
    movq %gs:CPU_SCRATCH, %rcx
    movq %rcx, FRAME_RSP(%rsp)
    movq $VECTOR_SYSCALL, FRAME_VECTOR(%rsp)
    movq %rax, FRAME_RAX(%rsp)
    movq %rdx, FRAME_RDX(%rsp)
    movq %rsi, FRAME_RSI(%rsp)
    movq %rdi, FRAME_RDI(%rsp)
    movq %r8, FRAME_R8(%rsp)
    movq %r9, FRAME_R9(%rsp)
    movq %r10, FRAME_R10(%rsp)
    movq %rbx, FRAME_RBX(%rsp)
    movq %rbp, FRAME_RBP(%rsp)
    movq %r12, FRAME_R12(%rsp)
    movq %r13, FRAME_R13(%rsp)
    movq %r14, FRAME_R14(%rsp)
    movq %r15, FRAME_R15(%rsp)
    movq %rsp, %rdi
    call syscall_entry
    /* C has kept rbx, rbp, r12 to r15: unless someone changed the frame they are right. */
    cmpl $0, %gs:CPU_NEED_RESCHED
    jne return_checked
    cmpl $VECTOR_SYSCALL, FRAME_VECTOR(%rsp)
    jne return_by_iret
.Lreturn_sysret:
    SECTION_LEAVE
    movq FRAME_RAX(%rsp), %rax
    movq FRAME_RDX(%rsp), %rdx
    movq FRAME_RSI(%rsp), %rsi
    movq FRAME_RDI(%rsp), %rdi
    movq FRAME_R8(%rsp), %r8
    movq FRAME_R9(%rsp), %r9
    movq FRAME_R10(%rsp), %r10
    movq FRAME_RIP(%rsp), %rcx
    movq FRAME_RFLAGS(%rsp), %r11
    movq FRAME_RSP(%rsp), %rsp
    swapgs
    sysretq

/* rdi = next thread, rsi = the one to leave: the end of arch_thread_return(). */
    .balign 16
    .globl thread_return_tail
    .type thread_return_tail, @function
thread_return_tail:
    movq THREAD_STACK_TOP(%rdi), %rsp
    subq $FRAME_SIZE, %rsp
    movl $0, THREAD_RUNNING(%rsi)   /* release: x86 stores are ordered */
    cmpl $VECTOR_SYSCALL, FRAME_VECTOR(%rsp)
    jne return_by_iret
.Lreturn_sysret_all:
    movq FRAME_RBX(%rsp), %rbx
    movq FRAME_RBP(%rsp), %rbp
    movq FRAME_R12(%rsp), %r12
    movq FRAME_R13(%rsp), %r13
    movq FRAME_R14(%rsp), %r14
    movq FRAME_R15(%rsp), %r15
    jmp .Lreturn_sysret

    .balign 16
    .globl arch_return_to_user
    .type arch_return_to_user, @function
arch_return_to_user:
    movq %gs:CPU_TSS_STACK, %rsp
    subq $FRAME_SIZE, %rsp
return_checked:
    cmpl $0, %gs:CPU_NEED_RESCHED
    jne .Lreturn_work
    cmpl $VECTOR_SYSCALL, FRAME_VECTOR(%rsp)
    je .Lreturn_sysret_all
return_by_iret:
    SECTION_LEAVE
    swapgs
    RESTORE_REGISTERS
user_iretq:
    iretq
.Lreturn_work:
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call kernel_exit_work
    jmp return_checked

/* Interrupts and exceptions on the thread's stack. [rsp]: vector, error, rip, cs, … */
    .balign 16
    .type interrupt_common, @function
interrupt_common:
    testb $3, 24(%rsp)
    jz .Lof_kernel
    swapgs
.Lsave:
    SAVE_REGISTERS
interrupt_framed:
    movq %rsp, %rdi
    call interrupt_dispatch
    testb $3, FRAME_CS(%rsp)
    jnz return_checked
restore_and_iret:
    RESTORE_REGISTERS
    iretq

.Lof_kernel:
    cmpq $user_iretq, 16(%rsp)
    jne .Lsave
/* The frame cannot be returned to; its registers are restored and GS is the user's. The exception
   becomes the program's, as if it had happened there, in a frame that is whole again. */
.Liret_fault:
    swapgs
    SAVE_REGISTERS
    movq %rsp, %rdi
    call iret_fault
    movq %rax, %rsp
    jmp interrupt_framed

/* Debug, NMI, double fault, machine check: on stacks of their own, GS unknown. */
    .type paranoid_common, @function
paranoid_common:
    SAVE_REGISTERS
    xorl %ebx, %ebx
    movl $0xc0000101, %ecx          /* GS base: the kernel's is in the upper half */
    rdmsr
    testl %edx, %edx
    js 1f
    swapgs
    incl %ebx
1:  testb $3, FRAME_CS(%rsp)
    jnz .Lparanoid_of_user
    movq %rsp, %rdi
    call paranoid_dispatch
    testl %ebx, %ebx
    jz restore_and_iret
    swapgs
    jmp restore_and_iret

/* Nothing of the kernel was interrupted: move the frame to where an interrupt would have put it. A
   program may have as many debug exceptions as it likes, and its thread may block in one; and an
   IRETQ that faults ends the CPU's hold on further NMIs, which then come onto this very stack. */
.Lparanoid_of_user:
    movq %rsp, %rsi
    movq %gs:CPU_TSS_STACK, %rdi
    subq $FRAME_SIZE, %rdi
    movq %rdi, %rdx
    movl $(FRAME_SIZE / 8), %ecx
    rep movsq
    movq %rdx, %rsp
    jmp interrupt_framed

/* One entry of 16 bytes per vector. Exceptions 8, 10 to 14, 17, 21, 29 and 30 push an error. */
    .balign 16
    .globl interrupt_entries
interrupt_entries:
    .set vector, 0
    .rept 256
    .balign 16
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
    .else
    pushq $0
    .endif
    pushq $vector
    .if (vector == 1) || (vector == 2) || (vector == 8) || (vector == 18)
    jmp paranoid_common
    .else
    jmp interrupt_common
    .endif
    .set vector, vector + 1
    .endr
    .section .note.GNU-stack, "", @progbits
