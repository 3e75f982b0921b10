// SPDX-License-Identifier: MIT
// What the kernel keeps per CPU, reached by cpu_current(). The leading fields have fixed offsets,
// known to assembly (<machine/offsets.h>); others are added at the end.
#pragma once

#include <stdatomic.h>

#include <arch/cpu.h>
#include <arch/thread.h>
#include <arch/types.h>

struct run_queue;
struct spinlock;
struct thread;

#define CPU_LOCKS_MAX 16

// A canary's lowest byte, the first in memory, is zero: a string that runs into it ends there.
#define CANARY_MASK (~UINT64_C(0xff))

// Bits of need_resched.
#define CPU_RESCHED     1u // another thread may have to run
#define CPU_THREAD_WORK 2u // the current thread has something to do before it sees user mode
#define CPU_DEFERRED    4u // sched/deferred.h

struct cpu {
    struct cpu *self;
    uint32_t id;                        // index, below cpu_count()
    _Atomic uint32_t need_resched;      // not 0: kernel_exit_work() or kernel_preempt() is called
    uint64_t scratch;                   // machine entry code only
    struct arch_thread *machine_thread; // whose kernel stack this CPU stands on
    uint64_t switch_stack;              // a stack of the CPU's own: boot, then thread switches
    struct thread *current;
    struct thread *idle;
    uint64_t canary; // the compiler's: at the end of each frame that could be overrun
    struct arch_cpu arch __attribute__((aligned(64)));
    struct run_queue *queue; // this CPU's: run_queue_here()
    uint32_t lock_count;     // debug kernel: the spin locks that this CPU holds, in order
    struct spinlock *locks[CPU_LOCKS_MAX];
    uint64_t off_since, off_from; // debug kernel: interrupts are off since, 0: on; and from where
};

// This CPU. Only good while interrupts are off or the thread cannot move.
static inline struct cpu *cpu_current(void)
{
    return arch_cpu_self();
}
