// SPDX-License-Identifier: MIT
// See <arch/frame.h>.
#pragma once

#include <arch/types.h>

struct arch_frame {
    uint64_t number, arguments[6], kept;
    uint64_t pc, stack, base;
};

static inline uint64_t arch_frame_number(const struct arch_frame *frame)
{
    return frame->number;
}

static inline uint64_t arch_frame_argument(const struct arch_frame *frame, unsigned i)
{
    return frame->arguments[i];
}

static inline void arch_frame_set_argument(struct arch_frame *frame, unsigned i, uint64_t value)
{
    frame->arguments[i] = value;
}

static inline void arch_frame_set_result(struct arch_frame *frame, int64_t status, uint64_t value)
{
    frame->number = (uint64_t)status;
    frame->arguments[1] = value;
}

static inline void arch_frame_keep_call(struct arch_frame *frame)
{
    frame->kept = frame->number;
}

static inline void arch_frame_repeat_call(struct arch_frame *frame)
{
    frame->number = frame->kept;
}

static inline bool arch_frame_is_syscall(const struct arch_frame *frame)
{
    (void)frame;
    return false;
}

static inline bool arch_frame_is_user(const struct arch_frame *frame)
{
    (void)frame;
    return true;
}

static inline vaddr_t arch_frame_pc(const struct arch_frame *frame)
{
    return frame->pc;
}

static inline vaddr_t arch_frame_stack(const struct arch_frame *frame)
{
    return frame->stack;
}

static inline vaddr_t arch_frame_base(const struct arch_frame *frame)
{
    return frame->base;
}
