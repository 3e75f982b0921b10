// SPDX-License-Identifier: MIT
// Numbers that assembly shares with C. cpu/offsets.c asserts that each is what C says.
#pragma once

// Segment selectors. SYSCALL and SYSRET dictate the order.
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA   0x23
#define SELECTOR_USER_CODE   0x2b
#define SELECTOR_TSS         0x30

// struct cpu
#define CPU_SELF         0
#define CPU_ID           8
#define CPU_NEED_RESCHED 12
#define CPU_SCRATCH      16
#define CPU_THREAD       24 // struct arch_thread *
#define CPU_SWITCH_STACK 32
#define CPU_CURRENT      40 // struct thread *
#define CPU_CANARY       56 // of the thread that runs; cmake/flags.cmake tells the compiler
#define CPU_TSS_STACK    72 // rsp0 in the task state segment: top of the thread's kernel stack

// struct arch_frame
#define FRAME_R15    0
#define FRAME_R14    8
#define FRAME_R13    16
#define FRAME_R12    24
#define FRAME_RBP    32
#define FRAME_RBX    40
#define FRAME_R11    48
#define FRAME_R10    56
#define FRAME_R9     64
#define FRAME_R8     72
#define FRAME_RDI    80
#define FRAME_RSI    88
#define FRAME_RDX    96
#define FRAME_RCX    104
#define FRAME_RAX    112
#define FRAME_VECTOR 120
#define FRAME_ERROR  128
#define FRAME_RIP    136
#define FRAME_CS     144
#define FRAME_RFLAGS 152
#define FRAME_RSP    160
#define FRAME_SS     168
#define FRAME_SIZE   176

// FRAME_VECTOR: 0 to 255 are interrupts and exceptions.
#define VECTOR_SYSCALL 0x100 // entered by SYSCALL and unchanged: may leave by SYSRET
#define VECTOR_CHANGED 0x101 // pc, stack, flags or other registers were set: leaves by IRET

// struct arch_thread
#define THREAD_STACK_TOP    0
#define THREAD_SAVED_STACK  8
#define THREAD_CONTINUATION 16
#define THREAD_RUNNING      24
