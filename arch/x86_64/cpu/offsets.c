// SPDX-License-Identifier: MIT
// The numbers of <machine/offsets.h> are what C says.
#include <cpu.h>

#define SAME(type, field, number) \
    _Static_assert(offsetof(struct type, field) == (number), #type "." #field)

SAME(cpu, self, CPU_SELF);
SAME(cpu, id, CPU_ID);
SAME(cpu, need_resched, CPU_NEED_RESCHED);
SAME(cpu, scratch, CPU_SCRATCH);
SAME(cpu, machine_thread, CPU_THREAD);
SAME(cpu, switch_stack, CPU_SWITCH_STACK);
SAME(cpu, current, CPU_CURRENT);
SAME(cpu, canary, CPU_CANARY);
SAME(cpu, arch.tss.rsp, CPU_TSS_STACK);

SAME(arch_frame, r15, FRAME_R15);
SAME(arch_frame, r14, FRAME_R14);
SAME(arch_frame, r13, FRAME_R13);
SAME(arch_frame, r12, FRAME_R12);
SAME(arch_frame, rbp, FRAME_RBP);
SAME(arch_frame, rbx, FRAME_RBX);
SAME(arch_frame, r11, FRAME_R11);
SAME(arch_frame, r10, FRAME_R10);
SAME(arch_frame, r9, FRAME_R9);
SAME(arch_frame, r8, FRAME_R8);
SAME(arch_frame, rdi, FRAME_RDI);
SAME(arch_frame, rsi, FRAME_RSI);
SAME(arch_frame, rdx, FRAME_RDX);
SAME(arch_frame, rcx, FRAME_RCX);
SAME(arch_frame, rax, FRAME_RAX);
SAME(arch_frame, vector, FRAME_VECTOR);
SAME(arch_frame, error, FRAME_ERROR);
SAME(arch_frame, rip, FRAME_RIP);
SAME(arch_frame, cs, FRAME_CS);
SAME(arch_frame, rflags, FRAME_RFLAGS);
SAME(arch_frame, rsp, FRAME_RSP);
SAME(arch_frame, ss, FRAME_SS);
_Static_assert(sizeof(struct arch_frame) == FRAME_SIZE && FRAME_SIZE % 16 == 0, "frame size");

SAME(arch_thread, stack_top, THREAD_STACK_TOP);
SAME(arch_thread, saved_stack, THREAD_SAVED_STACK);
SAME(arch_thread, continuation, THREAD_CONTINUATION);
SAME(arch_thread, running, THREAD_RUNNING);
