// SPDX-License-Identifier: MIT
// A thread's machine part on the host: what kernel/sched reads and writes of it.
#pragma once

#include <arch/types.h>
#include <machine/frame.h>
#include <machine/space.h>

struct arch_thread {
    void (*continuation)(void);
    struct arch_space *space;
    uint64_t canary;
};

static inline struct arch_frame *arch_thread_frame(struct arch_thread *thread)
{
    (void)thread;
    return NULL;
}

static inline bool arch_thread_on_cpu(const struct arch_thread *thread)
{
    (void)thread;
    return false;
}
