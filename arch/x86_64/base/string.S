/* SPDX-License-Identifier: MIT */
/* The memory functions. Lengths of eight bytes and more are copied by words, with a last word that
   may overlap the one before; CPUs with fast byte strings (ERMS) take those for longer ones. */
    .text

    .balign 16
    .globl memcpy
    .type memcpy, @function
memcpy:
    movq %rdi, %rax
    cmpq $8, %rdx
    jb .Lcopy_bytes
    cmpq $256, %rdx
    jae .Lcopy_long
.Lcopy_words:
    movq -8(%rsi,%rdx), %r8
    leaq -8(%rdi,%rdx), %r9
    leaq -1(%rdx), %rcx
    shrq $3, %rcx
    rep movsq
    movq %r8, (%r9)
    ret
.Lcopy_long:
    cmpb $0, cpu_has_erms(%rip)
    je .Lcopy_words
    movq %rdx, %rcx
    rep movsb
    ret
.Lcopy_bytes:
    movl %edx, %ecx
    rep movsb
    ret

    .balign 16
    .globl memmove
    .type memmove, @function
memmove:
    movq %rdi, %rax
    subq %rsi, %rax
    cmpq %rdx, %rax             /* unsigned: below when `to` lies inside of `from` */
    movq %rdi, %rax
    jae .Lmove_up
    leaq -1(%rdi,%rdx), %rdi
    leaq -1(%rsi,%rdx), %rsi
    movq %rdx, %rcx
    std
    rep movsb
    cld
    ret
.Lmove_up:
    movq %rdx, %rcx
    cmpq $8, %rcx
    jb 1f
    shrq $3, %rcx
    rep movsq
    movl %edx, %ecx
    andl $7, %ecx
1:  rep movsb
    ret

    .balign 16
    .globl memset
    .type memset, @function
memset:
    movq %rdi, %r9
    movzbl %sil, %eax
    movabsq $0x0101010101010101, %rcx
    imulq %rcx, %rax
    movq %rdx, %rcx
    cmpq $8, %rdx
    jb 1f
    movq %rax, -8(%rdi,%rdx)
    shrq $3, %rcx
    rep stosq
    movq %r9, %rax
    ret
1:  rep stosb
    movq %r9, %rax
    ret

    .balign 16
    .globl memcmp
    .type memcmp, @function
memcmp:
    xorl %eax, %eax
    movq %rdx, %rcx
    testq %rcx, %rcx
    jz 1f
    repe cmpsb
    je 1f
    movzbl -1(%rdi), %eax
    movzbl -1(%rsi), %ecx
    subl %ecx, %eax
1:  ret

    .balign 16
    .globl page_zero
    .type page_zero, @function
page_zero:
    xorl %eax, %eax
    movl $512, %ecx
    rep stosq
    ret

    .bss
    .globl cpu_has_erms
cpu_has_erms:
    .byte 0
    .section .note.GNU-stack, "", @progbits
