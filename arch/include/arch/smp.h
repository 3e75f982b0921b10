// SPDX-License-Identifier: MIT
// More than one CPU.
#pragma once

#include <arch/types.h>

struct cpu;

// Starts all other CPUs that firmware lists, up to `maxcpus=` on the command line. Each calls
// kernel_cpu_main() on its own boot stack with interrupts off. Returns the number of CPUs that
// run, this one included; one that does not answer in some seconds is left off with a log line.
// Interrupts on; called once, by the first CPU.
uint32_t arch_smp_start(void);

// CPUs that are online have ids 0 to cpu_count() - 1; the count grows during arch_smp_start() only.
uint32_t cpu_count(void);
struct cpu *cpu_by_id(uint32_t id);

// Interrupts a CPU so that it looks at its need_resched (which the caller has set): if it is in
// user mode or in preemptible kernel code it enters the scheduler, if it idles it wakes. For the
// calling CPU nothing is sent. Any context.
void arch_cpu_kick(struct cpu *cpu);

// Serves what other CPUs ask of this one (flushing) without taking an interrupt. For loops that
// wait with interrupts off; spin_lock() has it built in.
void arch_smp_serve(void);

// Quiescence, for lock-free readers: a reader looks something up and uses it with interrupts off;
// memory unlinked before arch_quiesce_begin() may be freed once arch_quiesce_done(ticket), for by
// then every CPU has been at a point with interrupts on. Neither waits; to begin interrupts are on.
// arch_quiesce() waits: interrupts on, no lock held. A CPU that spins on a lock does NOT count as
// quiescent (it may hold a lock-free reference), so never wait while holding one.
uint64_t arch_quiesce_begin(void);
bool arch_quiesce_done(uint64_t ticket);
void arch_quiesce(void);
