// SPDX-License-Identifier: MIT
// The register frame that every entry to the kernel builds; see <arch/frame.h>.
#pragma once

#include <arch/types.h>
#include <machine/offsets.h>

struct arch_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t vector; // 0 to 255, VECTOR_SYSCALL or VECTOR_CHANGED
    uint64_t error;
    uint64_t rip, cs, rflags, rsp, ss; // as the CPU pushes them
};

static inline uint64_t arch_frame_number(const struct arch_frame *frame)
{
    return frame->rax;
}

static inline uint64_t *frame_argument(struct arch_frame *frame, unsigned i)
{
    switch (i) {
    case 0: return &frame->rdi;
    case 1: return &frame->rsi;
    case 2: return &frame->rdx;
    case 3: return &frame->r10;
    case 4: return &frame->r8;
    default: return &frame->r9;
    }
}

static inline uint64_t arch_frame_argument(const struct arch_frame *frame, unsigned i)
{
    return *frame_argument((struct arch_frame *)(uintptr_t)frame, i);
}

static inline void arch_frame_set_argument(struct arch_frame *frame, unsigned i, uint64_t value)
{
    *frame_argument(frame, i) = value;
}

static inline void arch_frame_set_result(struct arch_frame *frame, int64_t status, uint64_t value)
{
    frame->rax = (uint64_t)status;
    frame->rdx = value;
}

static inline void arch_frame_keep_call(struct arch_frame *frame)
{
    frame->rcx = frame->rax; // two registers that a system call gives up
    frame->r11 = frame->rdx;
}

static inline void arch_frame_repeat_call(struct arch_frame *frame)
{
    frame->rax = frame->rcx;
    frame->rdx = frame->r11;
}

static inline bool arch_frame_is_syscall(const struct arch_frame *frame)
{
    return frame->vector == VECTOR_SYSCALL;
}

static inline bool arch_frame_is_user(const struct arch_frame *frame)
{
    return frame->cs & 3;
}

static inline vaddr_t arch_frame_pc(const struct arch_frame *frame)
{
    return frame->rip;
}

static inline vaddr_t arch_frame_stack(const struct arch_frame *frame)
{
    return frame->rsp;
}

static inline vaddr_t arch_frame_base(const struct arch_frame *frame)
{
    return frame->rbp;
}
