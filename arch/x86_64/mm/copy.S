/* SPDX-License-Identifier: MIT */
/* size_t user_copy(void *to, const void *from, size_t length): bytes not copied, 0 on success.
   One of the two is a user address, checked by the caller. SMAP is open around it. */

#define MAY_FAULT(from, to)                 \
        .pushsection .extable, "a";         \
        .quad from, to;                     \
        .popsection

    .section .text.hot, "ax"
    .balign 16
    .globl user_copy
    .type user_copy, @function
user_copy:
    movq %rdx, %rcx
    cmpb $0, cpu_has_erms(%rip)
    jne 2f
    shrq $3, %rcx
    andl $7, %edx
1:  rep movsq
    movl %edx, %ecx
2:  rep movsb
    xorl %eax, %eax
    ret
3:  leaq (%rdx,%rcx,8), %rax    /* words left, and the bytes after them */
    ret
4:  movq %rcx, %rax
    ret
    MAY_FAULT(1b, 3b)
    MAY_FAULT(2b, 4b)
    .section .note.GNU-stack, "", @progbits
