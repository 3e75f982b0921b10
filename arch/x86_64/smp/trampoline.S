/* SPDX-License-Identifier: MIT */
/* Where further CPUs start: copied to a page below 1 MiB, entered in real mode with CS = page / 16.
   It knows its own address from CS alone, loads the boot descriptors and goes on in code at its
   linked place, in 32-bit mode, then as the first CPU did. */
#include <machine/offsets.h>

#define SELECTOR_BOOT_CODE32 0x18

    .section .rodata.start, "a"
    .balign 16
    .globl start_code, start_code_end
    .code16
start_code:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl start_pointer - start_code
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $SELECTOR_BOOT_CODE32, $start_32
    .balign 4
start_pointer: /* the boot descriptors, as in boot/start.S */
    .short 4 * 8 - 1
    .long boot_gdt
start_code_end:

    .section .boot.text, "ax"
    .code32
start_32:
    movl $SELECTOR_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $start_stack_end, %esp
    call boot_long_mode
    ljmpl $SELECTOR_KERNEL_CODE, $start_64
    .code64
start_64:
    movabsq $start_cpu, %rax
    movq (%rax), %rdi
    movq %rdi, %rbx
    /* The CPU's stack is not in the boot tables: change to the kernel's first. The image is at the
       same address in both, this code is not: jump there before. */
    movabsq $start_high, %rax
    jmp *%rax

    .section .boot.bss, "aw", @nobits
    .skip 64
start_stack_end:

    .text
start_high:
    movq kernel_space(%rip), %rax
    movq %rax, %cr3
    movq CPU_SWITCH_STACK(%rbx), %rsp
    xorl %ebp, %ebp
    movq %rbx, %rdi
    call start_cpu_main
    ud2
    .section .note.GNU-stack, "", @progbits
