// SPDX-License-Identifier: MIT
#include <arch/frame.h>

#include <arch/cpu.h>
#include <arch/space.h>
#include <machine/x86.h>
#include <string.h>
#include <tessera/abi/status.h>

void arch_frame_start(struct arch_frame *frame, vaddr_t pc, vaddr_t stack, uint64_t argument)
{
    *frame = (struct arch_frame){
        .vector = VECTOR_CHANGED,
        // An address that is not canonical would fault in the kernel, at IRET; the first one after
        // the user's faults as the user's.
        .rip = pc < TS_USER_END ? pc : TS_USER_END,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_IF | RFLAGS_FIXED,
        .rsp = stack,
        .ss = SELECTOR_USER_DATA,
        .rdi = argument,
    };
}

void arch_frame_export(const struct arch_frame *frame, struct ts_registers *out_registers)
{
    *out_registers = (struct ts_registers){
        .rax = frame->rax,
        .rbx = frame->rbx,
        .rcx = frame->rcx,
        .rdx = frame->rdx,
        .rsi = frame->rsi,
        .rdi = frame->rdi,
        .rbp = frame->rbp,
        .rsp = frame->rsp,
        .r8 = frame->r8,
        .r9 = frame->r9,
        .r10 = frame->r10,
        .r11 = frame->r11,
        .r12 = frame->r12,
        .r13 = frame->r13,
        .r14 = frame->r14,
        .r15 = frame->r15,
        .rip = frame->rip,
        .rflags = frame->rflags,
    };
}

ts_status_t arch_frame_import(struct arch_frame *frame, const struct ts_registers *registers)
{
    if (registers->rip >= TS_USER_END) {
        return TS_ERR_ARGUMENT;
    }
    *frame = (struct arch_frame){
        .rax = registers->rax,
        .rbx = registers->rbx,
        .rcx = registers->rcx,
        .rdx = registers->rdx,
        .rsi = registers->rsi,
        .rdi = registers->rdi,
        .rbp = registers->rbp,
        .rsp = registers->rsp,
        .r8 = registers->r8,
        .r9 = registers->r9,
        .r10 = registers->r10,
        .r11 = registers->r11,
        .r12 = registers->r12,
        .r13 = registers->r13,
        .r14 = registers->r14,
        .r15 = registers->r15,
        .rip = registers->rip,
        .rflags = (registers->rflags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_FIXED,
        .vector = VECTOR_CHANGED,
        .cs = SELECTOR_USER_CODE,
        .ss = SELECTOR_USER_DATA,
    };
    return TS_OK;
}
