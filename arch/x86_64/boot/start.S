/* SPDX-License-Identifier: MIT */
/* From the boot loader (Multiboot2 specification 3.3: 32-bit protected mode, paging off, EBX = the
   boot information) to 64-bit C in the upper half.

   The tables made here map the first 4 GiB three times: where they are (for this code and for
   the start of further CPUs), at the direct map, and the first GiB at the kernel image. They are
   replaced by mm/kernel_map.c; the start of further CPUs uses them again. */
#include <machine/offsets.h>

#define HEADER_MAGIC  0xe85250d6
#define LOADER_MAGIC  0x36d76289

#define PAGE_PRESENT  0x001
#define PAGE_WRITE    0x002
#define PAGE_LARGE    0x080

    .section .boot.header, "a"
    .balign 8
header:
    .long HEADER_MAGIC, 0, header_end - header
    .long -(HEADER_MAGIC + 0 + (header_end - header))
    /* what we cannot do without: module alignment is a tag of its own, the map must be there */
    .balign 8
    .short 1, 0
    .long 12, 6            /* information request: the memory map */
    .balign 8
    .short 5, 1            /* framebuffer, optional: 1024 x 768, 32 bits */
    .long 20, 1024, 768, 32
    .balign 8
    .short 6, 0            /* modules on page borders */
    .long 8
    .balign 8
    .short 0, 0
    .long 8
header_end:

    .section .boot.text, "ax"
    .code32
    .globl boot_start
boot_start:
    cli
    cld
    movl $boot_stack_end, %esp
    movl %eax, %ebp
    movl %ebx, %edi
    rdtsc
    movl %eax, boot_counter
    movl %edx, boot_counter + 4
    movl $message_loader, %esi
    cmpl $LOADER_MAGIC, %ebp
    jne boot_fail

    movl $0x80000000, %eax
    cpuid
    movl $message_long_mode, %esi
    cmpl $0x80000001, %eax
    jb boot_fail
    movl $0x80000001, %eax
    cpuid
    btl $29, %edx
    jnc boot_fail
    movl $message_no_execute, %esi
    btl $20, %edx
    jnc boot_fail

    /* four directories of 2 MiB pages */
    movl $boot_directories, %ebx
    movl $(PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE), %eax
    movl $2048, %ecx
1:  movl %eax, (%ebx)
    addl $8, %ebx
    addl $0x200000, %eax
    decl %ecx
    jnz 1b
    movl $boot_low, %ebx
    movl $(boot_directories + PAGE_PRESENT + PAGE_WRITE), %eax
    movl $4, %ecx
2:  movl %eax, (%ebx)
    addl $8, %ebx
    addl $4096, %eax
    decl %ecx
    jnz 2b
    movl $(boot_directories + PAGE_PRESENT + PAGE_WRITE), boot_high + 510 * 8
    movl $(boot_low + PAGE_PRESENT + PAGE_WRITE), boot_root
    movl $(boot_low + PAGE_PRESENT + PAGE_WRITE), boot_root + 256 * 8
    movl $(boot_high + PAGE_PRESENT + PAGE_WRITE), boot_root + 511 * 8

    call boot_long_mode
    ljmpl $SELECTOR_KERNEL_CODE, $boot_64

/* Turns on 64-bit paging with the boot tables. Used by every CPU. Changes eax, ecx, edx. */
    .globl boot_long_mode
boot_long_mode:
    movl $0x20, %eax            /* PAE */
    movl %eax, %cr4
    movl $boot_root, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx      /* EFER: LME, NXE */
    rdmsr
    orl $0x900, %eax
    wrmsr
    movl $0x80010033, %eax      /* PG, WP, NE, ET, MP, PE */
    movl %eax, %cr0
    lgdtl boot_gdt_pointer
    ret

/* esi = message: to the serial port, and to the text screen that a BIOS leaves. */
boot_fail:
    movl $0xb8000, %ebx
1:  lodsb
    testb %al, %al
    jz 3f
    movb %al, (%ebx)
    movb $0x4f, 1(%ebx)
    addl $2, %ebx
    movb %al, %ah
    movl $100000, %ecx
    movw $0x3fd, %dx
2:  inb %dx, %al
    testb $0x20, %al
    jnz 4f
    decl %ecx
    jnz 2b
4:  movb %ah, %al
    movw $0x3f8, %dx
    outb %al, %dx
    jmp 1b
3:  hlt
    jmp 3b

    .code64
boot_64:
    movl $SELECTOR_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    xorl %ebp, %ebp
    movl %edi, %edi
    movq boot_counter, %rsi
    movabsq $boot_cpu_stack_end, %rsp
    movabsq $machine_main, %rax
    call *%rax
1:  hlt
    jmp 1b

    .section .boot.data, "aw"
    .balign 8
    .globl boot_gdt
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    /* 64-bit code */
    .quad 0x00cf93000000ffff    /* data */
    .quad 0x00cf9b000000ffff    /* 32-bit code, for the start of further CPUs */
boot_gdt_pointer:
    .short boot_gdt_pointer - boot_gdt - 1
    .long boot_gdt
message_loader:
    .asciz "Tessera: not started by a Multiboot2 loader\r\n"
message_long_mode:
    .asciz "Tessera: this CPU has no 64-bit mode\r\n"
message_no_execute:
    .asciz "Tessera: this CPU has no no-execute pages\r\n"

    .section .boot.bss, "aw", @nobits
    .balign 4096
boot_root:
    .skip 4096
boot_low:
    .skip 4096
boot_high:
    .skip 4096
boot_directories:
    .skip 4 * 4096
boot_counter:                   /* at the first instruction */
    .skip 8
    .skip 1024
boot_stack_end:

    /* The first CPU's stack until it runs threads. */
    .section .bss
    .balign 4096
    .globl boot_cpu_stack_end
    .skip 4 * 4096
boot_cpu_stack_end:
    .section .note.GNU-stack, "", @progbits
