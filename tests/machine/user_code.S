/* SPDX-License-Identifier: MIT */
/* Programs for the user-mode tests: copied to a page of their own, run from there. A system call
   with number 100 ends one, with its verdict in rdi: 0 is good. */
#define CALL_END 100

    .section .rodata
    .balign 16
    .globl user_code, user_code_end
user_code:

/* Makes one call with known registers and looks what is left of them. */
    .globl user_call
user_call:
    movl $7, %eax
    movl $0x11, %edi
    movl $0x22, %esi
    movl $0x33, %edx
    movl $0x44, %r10d
    movl $0x55, %r8d
    movl $0x66, %r9d
    movl $0x77, %ebx
    movl $0x88, %ebp
    movl $0x99, %r12d
    movl $0xaa, %r13d
    movl $0xbb, %r14d
    movl $0xcc, %r15d
    movq %rsp, -8(%rsp)
    syscall
    cmpq %rsp, -8(%rsp)
    jne bad
    cmpq $-5, %rax
    jne bad
    cmpq $0x1234, %rdx
    jne bad
    cmpq $0x11, %rdi
    jne bad
    cmpq $0x22, %rsi
    jne bad
    cmpq $0x44, %r10
    jne bad
    cmpq $0x55, %r8
    jne bad
    cmpq $0x66, %r9
    jne bad
    cmpq $0x77, %rbx
    jne bad
    cmpq $0x88, %rbp
    jne bad
    cmpq $0x99, %r12
    jne bad
    cmpq $0xaa, %r13
    jne bad
    cmpq $0xbb, %r14
    jne bad
    cmpq $0xcc, %r15
    jne bad
    /* rcx and r11 may hold this program's own address and flags, nothing else */
    leaq user_code(%rip), %rax
    subq %rax, %rcx
    cmpq $4096, %rcx
    ja bad
good:
    xorl %edi, %edi
    movl $CALL_END, %eax
    syscall
    ud2
bad:
    movl $1, %edi
    movl $CALL_END, %eax
    syscall
    ud2

/* All registers as they are at the start, onto the stack. */
    .globl user_start
user_start:
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movl $14, %ecx
1:  popq %rax
    testq %rax, %rax
    jnz bad
    decl %ecx
    jnz 1b
    cmpq $0x5eed, %rdi
    jne bad
    jmp good

/* One instruction each that is an exception; 16 bytes apart. */
    .globl user_exceptions
    .balign 16
user_exceptions:
    xorl %eax, %eax             /* 0 */
    divl %eax
    .balign 16
    ud2                         /* 6 */
    .balign 16
    int3                        /* 3 */
    .balign 16
    hlt                         /* 13 */
    .balign 16
    cli                         /* 13 */
    .balign 16
    int $0x80                   /* 13 */
    .balign 16
    inb $0x60, %al              /* 13 */
    .balign 16
    xorl %ecx, %ecx             /* 13 */
    rdmsr
    .balign 16
    movq $-1, %rax              /* 13: not canonical */
    shrq $1, %rax
    movq (%rax), %rax
    .balign 16
    movabsq $0xffff800000000000, %rax /* 14: the kernel's direct map */
    movb (%rax), %al
    .balign 16
    movq $0xffffffff80200000, %rax /* 14: the kernel's image */
    jmp *%rax
    .balign 16
    movb $0, user_code(%rip)    /* 14: code is not writable */
    .balign 16
    jmp *%rsp                   /* 14: the stack is not executable */
    .balign 16
    xorl %eax, %eax             /* 14 */
    movb (%rax), %al
    .balign 16
    movq $-1, %rsp              /* 12: no stack */
    shrq $1, %rsp
    pushq %rax
    .balign 16
    movl $7, %eax               /* 13: there is no local descriptor table */
    movl %eax, %ds
    .balign 16
    movl $0xffff, %eax          /* 13 */
    movl %eax, %es
    .balign 16
    movabsq $0x1b00000000, %rax /* 13: there is no 32-bit code */
    pushq %rax
    ljmpl *(%rsp)
    .balign 16
    movl $0x33, %eax            /* 13: the task state is no data */
    movl %eax, %gs
    .balign 16

/* Single steps through a system call. */
    .globl user_step
user_step:
    pushfq
    orq $0x100, (%rsp)
    popfq
    nop
    movl $7, %eax
    syscall
    nop
    movl $7, %eax
    syscall
    pushfq
    andq $~0x100, (%rsp)
    popfq
    jmp good

/* rdi = value, rsi = 1 if there is AVX. Keeps the value in vector registers and looks for ever
   whether it is still there, counting at the address in rdx. */
    .globl user_vectors
user_vectors:
    movq %rdi, %xmm0
    movq %rdi, %xmm15
    movddup %xmm0, %xmm3
    testl %esi, %esi
    jz 1f
    vinsertf128 $1, %xmm3, %ymm3, %ymm7
1:  movq %xmm0, %rax
    cmpq %rdi, %rax
    jne bad
    movq %xmm15, %rax
    cmpq %rdi, %rax
    jne bad
    testl %esi, %esi
    jz 2f
    vextractf128 $1, %ymm7, %xmm5
    movq %xmm5, %rax
    cmpq %rdi, %rax
    jne bad
2:  incq (%rdx)
    jmp 1b

/* Fills vectors and changes both control words, blocks in a call, and looks: the words are kept,
   the vectors are not another thread's, nor its own of before. */
    .globl user_cleared
user_cleared:
    pushq $0x3f80
    ldmxcsr (%rsp)
    pushq $0x027f
    fldcw (%rsp)
    movq %rdi, %xmm0
    movq %rdi, %xmm9
    testl %esi, %esi
    jz 1f
    movddup %xmm0, %xmm3
    vinsertf128 $1, %xmm3, %ymm3, %ymm7
1:  movl $7, %eax
    syscall
    ptest %xmm0, %xmm0
    jnz bad
    ptest %xmm9, %xmm9
    jnz bad
    testl %esi, %esi
    jz 2f
    vptest %ymm7, %ymm7
    jnz bad
2:  stmxcsr (%rsp)
    cmpl $0x3f80, (%rsp)
    jne bad
    fnstcw (%rsp)
    cmpw $0x027f, (%rsp)
    jne bad
    jmp good

/* rdi = what has to be at fs:0; then clears the register and says so by a call. */
    .globl user_pointer
user_pointer:
    cmpq %fs:0, %rdi
    jne bad
    movl $7, %eax
    syscall
    cmpq %fs:0, %rdi
    jne bad
    xorl %eax, %eax
    movl %eax, %fs
    movl $7, %eax
    syscall
    jmp good

/* Loads what selectors there are, and finds them cleared when it has been away. */
    .globl user_selectors, user_selectors_none
user_selectors:
    movl $0x23, %eax
    movl %eax, %ds
    movl $0x2b, %eax
    movl %eax, %es
    movl $0x20, %eax
    movl %eax, %fs
    movl $1, %eax
    movl %eax, %gs
    movl $7, %eax
    syscall
user_selectors_none:
    movl %ds, %eax
    movl %es, %ecx
    orl %ecx, %eax
    movl %fs, %ecx
    orl %ecx, %eax
    movl %gs, %ecx
    orl %ecx, %eax
    jnz bad
    jmp good

/* Leaves its addresses in the x87 unit again and again. */
    .globl user_x87, user_x87_none
user_x87:
    fildl user_code(%rip)
    movl $7, %eax
    syscall
    jmp user_x87

/* Uses the unit, but no operand, and finds nobody's, counting at the address in rdx. */
user_x87_none:
    fld1
1:  fnstenv -64(%rsp)
    cmpl $0, -64+20(%rsp)       /* address of the last operand */
    jne bad
    incq (%rdx)
    jmp 1b
user_code_end:
    .section .note.GNU-stack, "", @progbits
